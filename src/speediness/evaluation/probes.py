"""What frozen features tell of the action: linear probe, nearest neighbours, retrieval (Table 3)."""

# F films, Q queries, D features

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from speediness.evaluation.features import FilmFeatures

STRENGTHS = [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0]  # of the linear probe's inverse regularisation
FOLDS = 5
NEIGHBOURS = 10
RECALL_AT = (1, 5, 10, 20, 50)


def linear_probe(train: FilmFeatures, test: FilmFeatures) -> NDArray[np.bool_]:
    """(F,) which test films a logistic regression on standardised features gets right.

    Its regularisation is chosen by cross-validation on the training films, whole groups (sources)
    held out; the test films are looked at once.
    """
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    folds = min(FOLDS, len(set(train.sources)))
    if folds > 1:
        probe = GridSearchCV(probe, {"logisticregression__C": STRENGTHS}, cv=GroupKFold(folds))
        probe.fit(train.vectors_FD, train.labels, groups=train.sources)
    else:
        probe.fit(train.vectors_FD, train.labels)
    return probe.predict(test.vectors_FD) == np.array(test.labels)


def nearest_neighbours(train: FilmFeatures, test: FilmFeatures) -> NDArray[np.bool_]:
    """(F,) which test films the vote of the ten nearest training films by cosine gets right."""
    count = min(NEIGHBOURS, len(train.labels))
    probe = KNeighborsClassifier(count, metric="cosine", weights="distance")
    probe.fit(train.vectors_FD, train.labels)
    return probe.predict(test.vectors_FD) == np.array(test.labels)


def retrieved(train: FilmFeatures, test: FilmFeatures, at: Sequence[int] = RECALL_AT) -> NDArray[np.bool_]:
    """(Q, len(at)) whether a film of the query's class is among the k nearest by cosine (Table 3).

    Queries are the test films, neighbours the training films (Xu et al. 2019).
    """
    queries_QD, gallery_FD = (
        part.vectors_FD / np.maximum(np.linalg.norm(part.vectors_FD, axis=1, keepdims=True), 1e-12)
        for part in (test, train)
    )
    order_QF = np.argsort(-(queries_QD @ gallery_FD.T), axis=1, kind="stable")
    same_QF = np.array(train.labels)[order_QF] == np.array(test.labels)[:, None]
    return np.stack([same_QF[:, :k].any(1) for k in at], 1)
