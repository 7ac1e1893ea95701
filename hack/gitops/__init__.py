"""Git and Flux beside the test bed: a repository to commit to, and the controllers that follow it."""
