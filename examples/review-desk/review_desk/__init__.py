"""A desk at which people review a model's answers: an example of headgate.review in an application."""
