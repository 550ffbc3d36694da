"""What is fitted, and how is it solved? Pure functions of arrays; numpy and scipy only."""
