"""Where everything meets: a proxy event in, a response whose body is one generator out."""

import os
import time
from collections.abc import Generator
from typing import cast

from aws_lambda_powertools import Logger

from .answer_type import AnswerType
from .aws import logs
from .aws.bedrock.call import BedrockModel
from .aws.bedrock.converse import Converse
from .aws.gateway import HttpRequest, LambdaContext, Response, parse_event
from .aws.stages.log import log_stage
from .aws.stages.publish import publish_stage
from .aws.stages.store import store_stage
from .contract import REQUEST_ID_HEADER, Settings, margin, read_settings
from .cors import cors
from .request import check_route, read_prompt
from .stream.encoders import Encoder, Stamp
from .stream.errors import AnswerError, as_stream_error
from .stream.events import Cut, Head, Output
from .stream.negotiation import choose_format
from .stream.pacing import Clock, Pace, SystemClock, paced
from .stream.pipeline import Exchange, PacedEvents, reject, run
from .stream.record import Record
from .user_code import load_instructions, load_request_model
from .version import SERVICE_VERSION

NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}
"""Without it, browsers hold the start of ``text/plain`` back to guess what it is (mimesniff.spec.whatwg.org)."""

READ_SLACK = 1.0
"""Seconds by which a read of the model may outlast the answer's time: the deadline is for pacing to tell."""


class Endpoint:
    """The endpoint that the settings describe. Made once a sandbox; nothing of a request stays in it."""

    def __init__(self, settings: Settings, function_name: str, clock: Clock) -> None:
        """Load the classes and make the clients.

        Raises:
            SettingsError: a variable names something that is not there or cannot be used.
        """
        self._settings = settings
        self._clock = clock
        self._request = load_request_model(settings.request)
        self._answer = AnswerType(settings.schema)
        self.model = BedrockModel(Converse(settings, self._answer.schema, load_instructions(settings.instructions)))
        logger = Logger(service=function_name, use_rfc3339=True)
        logger.append_keys(**{"service.version": SERVICE_VERSION})
        self._stages = [
            log_stage(logger, function_name),
            store_stage(settings.store, logger),
            publish_stage(settings.sink, settings.publish_outcomes, logger),
        ]
        logger.info("function started")

    def handle(self, event: object, context: LambdaContext) -> Response:
        """Answer one invocation. Returns when the status is decided; the body is pulled to its very end, or closed."""
        began = self._clock.now()
        seconds = context.get_remaining_time_in_millis() / 1000
        deadline = began + seconds - margin(seconds)
        request = parse_event(event, context.aws_request_id)
        record = self._record(request, context, began)
        try:
            check_route(request)
            encoder = choose_format(request.header("accept"))(self._stamp(record))
            record.media_type = encoder.headers["Content-Type"]
            prompt = read_prompt(request, self._request, self._settings.body_limit)
        except Exception as error:  # noqa: BLE001 - a request class of the user's may fail in any way
            return self._response(reject(as_stream_error(error), record, self._stages), request)
        if record.capture_content:
            record.prompt = prompt
        pace = Pace(self._settings.heartbeat, began + self._head_within(request), deadline)
        return self._response(run(self._exchange(prompt, encoder, pace), record, self._stages), request)

    def _record(self, request: HttpRequest, context: LambdaContext, began: float) -> Record:
        return Record(
            id=request.id,
            model_id=self._settings.model_id,
            capture_content=self._settings.capture_content,
            max_tokens=self._settings.max_tokens,
            field_names=self._answer.field_names,
            invocation_id=context.aws_request_id,
            seconds_left=lambda: context.get_remaining_time_in_millis() / 1000,
            elapsed=lambda: round((self._clock.now() - began) * 1000),
        )

    def _stamp(self, record: Record) -> Stamp:
        return Stamp(record.id, record.model_id, record.elapsed)

    def _exchange(self, prompt: str, encoder: Encoder, pace: Pace) -> Exchange:
        def ask(previous: AnswerError | None) -> PacedEvents:
            patience = pace.deadline - self._clock.now() + READ_SLACK
            call = self.model.ask(prompt, previous, patience)
            return paced(call, pace, self._clock)

        return Exchange(
            ask=ask,
            answer=self._answer.type,
            to_json=self._answer.to_json,
            encoder=encoder,
            start_padding=self._settings.start_padding,
            max_attempts=self._settings.max_attempts,
        )

    def _head_within(self, request: HttpRequest) -> float:
        """Return the seconds that are left for the head: the gateway's clock runs since it had the request."""
        waited = 0.0 if request.received_at is None else time.time() - request.received_at
        return max(0.0, self._settings.first_event_timeout - max(0.0, waited))

    def _response(self, output: Generator[Output, None, None], request: HttpRequest) -> Response:
        head = cast("Head", next(output))  # the first thing of every pipeline
        for_browsers = cors(self._settings.allowed_origins, request.header("origin"))
        headers = {**head.headers, REQUEST_ID_HEADER: request.id, **for_browsers, **NO_SNIFFING}
        return Response(head.status, headers, cast("Generator[bytes | Cut, None, None]", output))


logs.install(os.environ)  # before the first Logger is made

handle = Endpoint(
    read_settings(os.environ), os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "function"), SystemClock()
).handle
"""What Lambda calls: ``_HANDLER`` is ``function.handler.handle``."""
