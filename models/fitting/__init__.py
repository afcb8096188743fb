"""What learned degradations and networks share while they are fitted: streams, states, trends."""
