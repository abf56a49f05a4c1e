"""How models' files come to a machine that SSH reaches: it fetches them itself where it can, else they are sent."""
