"""The web server of the app: what is mounted where, who is let in, how often, how much."""
