"""The law of answers at hand: each is what the long way would answer now, byte for byte."""
