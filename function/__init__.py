"""The Lambda function: takes a prompt, and streams a typed JSON answer."""
