"""The paper's experiments and one of ours, a file each; ``speediness reproduce NAME`` runs one."""

EXPERIMENTS = {
    "table1": "The safeguards against shortcuts, taken away one by one, and mean flow (SpeedNet Table 1).",
    "table2": "Action recognition from a random start and after pretraining (SpeedNet Table 2).",
    "table3": "Retrieval of actions by frozen features (SpeedNet Table 3).",
    "rspnet": "RSPNet's pretext tasks, and what they are worth for recognition (RSPNet).",
    "pretext": "Pretext tasks side by side: their own accuracy on unseen sources, and what they are worth.",
    "lecture": "The networks of a lecture, from a single frame to attention, under one budget.",
    "data_scaling": "Networks trained on shares of the sources, and what ten times more would bring.",
    "fig2": "Speediness is not motion magnitude: a walker near and far (SpeedNet Fig. 2).",
    "fig4": "Prediction curves of videos as they are and played at 2x (SpeedNet Fig. 4).",
}
