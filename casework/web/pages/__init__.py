"""The pages staff work in, one module each; every page also works without JavaScript."""
