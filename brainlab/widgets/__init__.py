"""One file per widget: a state that computes and can be tested without a browser, and a function that shows it."""
