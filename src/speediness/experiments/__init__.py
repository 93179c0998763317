"""The paper's experiments and one of ours, a file each; ``speediness reproduce NAME`` runs one."""

EXPERIMENTS = {
    "table1": "the safeguards against shortcuts, taken away one by one, and mean flow (SpeedNet Table 1)",
    "table2": "action recognition from a random start and after pretraining (SpeedNet Table 2)",
    "table3": "retrieval of actions by frozen features (SpeedNet Table 3)",
    "rspnet": "RSPNet's pretext tasks, and what they are worth for recognition (RSPNet)",
    "pretext": "pretext tasks side by side: their own accuracy on unseen sources, and what they are worth",
    "lecture": "the networks of a lecture, from a single frame to attention, under one budget",
    "data_scaling": "networks trained on shares of the sources, and what ten times more would bring",
    "fig2": "speediness is not motion magnitude: a walker near and far (SpeedNet Fig. 2)",
    "fig4": "prediction curves of videos as they are and played at 2x (SpeedNet Fig. 4)",
}
