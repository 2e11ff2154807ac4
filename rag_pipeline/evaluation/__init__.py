"""How well questions are answered, measured on questions whose answers are known."""
