"""A thousand who follow one order: how late they hear, what a stuck one holds, what is lost."""
