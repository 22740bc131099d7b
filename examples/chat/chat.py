"""A client that keeps the conversation: each line of input is a message, each answer goes back as a message."""

import json
import sys
import urllib.request

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000/v1/stream"


def answer(messages: list[object]) -> object:
    """Send the conversation, and return the answer once it is complete."""
    headers = {"Content-Type": "application/json", "Accept": "application/jsonl"}
    body = json.dumps({"messages": messages}).encode()
    with urllib.request.urlopen(urllib.request.Request(URL, body, headers), timeout=60) as response:
        for line in filter(bytes.strip, response):
            event = json.loads(line)
            if event["type"] == "complete":
                return event["value"]
            if event["type"] == "error":
                sys.exit(event["problem"]["title"])
    sys.exit("The answer was cut.")


if __name__ == "__main__":
    conversation: list[object] = []
    for text in sys.stdin:
        conversation.append({"role": "user", "content": text.strip()})
        value = answer(conversation)
        print(json.dumps(value), flush=True)
        conversation.append({"role": "assistant", "content": value})
