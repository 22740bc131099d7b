"""What writes the answers of the local Bedrock: an OpenAI-compatible server, a small embedded model, or a script."""
