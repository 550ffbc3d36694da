"""A run: a study carried out by a process of its own, in a folder that is the whole truth about it."""
