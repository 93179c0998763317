"""A player of the user's that follows the plan as it plays."""
