"""Prints the spans that it receives as OTLP over HTTP: in place of a collector, on this machine."""

from http.server import BaseHTTPRequestHandler, HTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Receiver(BaseHTTPRequestHandler):
    """Answers each export with an empty response, which means that all spans were accepted."""

    def do_POST(self) -> None:
        """Print the spans of one export."""
        received = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        for resource in received.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    print(span, flush=True)
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_request(self, code: object = None, size: object = None) -> None:
        """Print nothing but spans."""


server = HTTPServer(("127.0.0.1", 4318), Receiver)
print("Waiting for spans at http://127.0.0.1:4318/v1/traces", flush=True)
server.serve_forever()
