"""From a document's text to an answer: documents checked once, then run by the executor."""
