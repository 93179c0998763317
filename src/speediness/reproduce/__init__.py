"""The paper's experiments, one file each; ``speediness reproduce NAME`` runs one."""

EXPERIMENTS = {
    "table1": "the safeguards against shortcuts, taken away one by one, and mean flow (SpeedNet Table 1)",
    "fig2": "speediness is not motion magnitude: a walker near and far (SpeedNet Fig. 2)",
    "fig4": "prediction curves of films as they are and played at 2x (SpeedNet Fig. 4)",
}
