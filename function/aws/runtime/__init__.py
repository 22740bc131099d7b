"""The loop that speaks the Lambda Runtime API and streams a generator. It goes the day AWS streams Python itself."""
