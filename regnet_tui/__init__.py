"""The terminal app of regNet: it edits studies, starts runs and replays their logs.

The process that draws the screen never imports what fits or simulates; runs are processes of their own.
"""
