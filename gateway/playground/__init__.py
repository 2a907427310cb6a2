"""The playground: a page for people at the GraphQL endpoint, served from our own files only."""
