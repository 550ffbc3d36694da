"""Which studies are ready to run: the shipped ones (the ``*.toml`` beside this file) and the user's own."""
