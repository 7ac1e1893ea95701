"""One judge for each segment of users; the worst one decides."""
