"""AWS Lambda on this machine: a deployed function, its sandboxes, and the Runtime API between them."""
