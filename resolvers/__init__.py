"""The query side: what each field means and where its data comes from."""
