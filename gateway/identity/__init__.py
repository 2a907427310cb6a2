"""Who is behind a request: bearer tokens verified, remembered, and made into viewers."""
