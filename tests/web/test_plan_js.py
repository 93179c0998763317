"""The plan as the page plays it, against the plan as Python renders it, on the same cases."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from speediness.results.plan import SpeedPlan

NODE = shutil.which("node")
STATIC = Path(__file__).parents[2] / "src" / "speediness" / "web" / "static"
SCRIPT = """
import { readFileSync } from "node:fs";
const { Plan } = await import(process.argv[1]);
const { cases } = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(cases.map(({ slowness, duration_s, source_s, output_s }) => {
  const plan = new Plan(slowness, duration_s);
  return {
    length_s: plan.outputDurationS,
    factor: source_s.map((t) => plan.factorAt(t)),
    output_s: source_s.map((t) => plan.outputTime(t)),
    source_s: output_s.map((t) => plan.sourceTime(t)),
  };
})));
"""

pytestmark = pytest.mark.skipif(NODE is None, reason="no node on this machine")


def plan_of(slowness: list[float], duration_s: float) -> SpeedPlan:
    knots_s = np.linspace(0, duration_s, len(slowness))
    plan = SpeedPlan(knots_s, np.array(slowness), 1.0)
    return SpeedPlan(knots_s, np.array(slowness), plan.source_duration_s / plan.output_duration_s)


def plans() -> dict[str, SpeedPlan]:
    rng = np.random.default_rng(7)
    return {
        "uniform": plan_of([0.5, 0.5], 10.0),
        "two knots": plan_of([1.0, 0.1], 3.0),
        "nearly flat": plan_of([0.5, 0.5 + 1e-12, 0.5], 8.0),
        "random": plan_of(list(rng.uniform(0.1, 1.0, 40)), 61.7),
        "long": plan_of(list(rng.uniform(0.1, 1.0, 3000)), 7200.0),
    }


def test_the_page_plays_the_plan_that_python_renders(tmp_path: Path) -> None:
    module = tmp_path / "plan.mjs"
    module.write_text((STATIC / "plan.js").read_text())
    cases, moments = plans(), {}
    for name, plan in cases.items():
        # Knots, places between them, and moments outside the video, which are clamped.
        inside = np.linspace(-0.01, 1.01, 203)
        moments[name] = inside * plan.source_duration_s, inside * plan.output_duration_s
    given = [
        {
            "slowness": plan.slowness.tolist(),
            "duration_s": plan.source_duration_s,
            "source_s": moments[name][0].tolist(),
            "output_s": moments[name][1].tolist(),
        }
        for name, plan in cases.items()
    ]
    assert NODE is not None
    done = subprocess.run(
        [NODE, "--input-type=module", "--eval", SCRIPT, module.as_uri()],
        input=json.dumps({"cases": given}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    for (name, plan), found in zip(cases.items(), json.loads(done.stdout), strict=True):
        source_s, output_s = moments[name]
        close = {"rtol": 1e-9, "atol": 1e-9, "err_msg": name}
        np.testing.assert_allclose(found["length_s"], plan.output_duration_s, **close)
        np.testing.assert_allclose(found["output_s"], plan.output_time(source_s), **close)
        np.testing.assert_allclose(found["source_s"], plan.source_time(output_s), **close)
        slowness = np.interp(source_s, plan.times_s, plan.slowness)
        np.testing.assert_allclose(found["factor"], 1 / slowness, **close)
