"""Commands that ask the judge about the past and the future."""
