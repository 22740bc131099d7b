"""The Lambda function: a prompt in, a typed JSON answer streaming out."""
