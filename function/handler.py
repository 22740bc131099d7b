"""Connects all parts of the function: takes a proxy event, and returns a response whose body is a generator."""

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from math import inf

from aws_lambda_powertools import Logger

from .answer_type import AnswerType
from .aws import logs, output
from .aws.bedrock.call import BedrockModel, make_client, model_session
from .aws.bedrock.converse import Converse
from .aws.bedrock.fallbacks import settings_by_model
from .aws.caller import caller_of, named_fields
from .aws.gateway import HttpRequest, LambdaContext, Response, parse_event
from .aws.stages.log import log_stage
from .aws.stages.publish import publish_stage
from .aws.stages.store import store_stage
from .aws.trace import xray_trace_id
from .contract import REQUEST_ID_HEADER, ROUTE, Settings, SettingsError, margin, read_settings, resource
from .conversation import Conversation, context_of, metadata_of
from .cors import cors
from .endpoint import Call, Caller
from .history import content_of
from .own_code import OwnCode
from .prepare import Making, Preparation
from .request import Accepted, Rejected, default_body_limit, read_request
from .routes import in_route, models_of, read_routes
from .stream.encoders import Encoder
from .stream.errors import AnswerError
from .stream.fallback import Failures, ModelTurns
from .stream.interruption import user_code
from .stream.pacing import Clock, Pace, PacedCalls, Source, Stopwatch, SystemClock, Thoughts
from .stream.pipeline import AfterPrepare, Job, reject, run
from .stream.record import Calls, Content, Start
from .user_code import load_instructions, load_request_class
from .version import SERVICE_VERSION

NO_SNIFFING = {"X-Content-Type-Options": "nosniff"}
"""Without it, browsers hold back the start of ``text/plain`` to guess its type (mimesniff.spec.whatwg.org)."""


class Shared:
    """What all routes share. It is made once per sandbox and keeps nothing of a request."""

    def __init__(self, settings: Settings, function_name: str, clock: Clock, *, has_models: bool) -> None:
        """Make the model's client and the stages, which every route has alike.

        ``has_models`` says whether there is more than one model: then the metrics of tokens tell them apart.

        Raises:
            SettingsError: a setting names something that is not there or cannot be used.
        """
        self.clock = clock
        self.client = make_client(model_session())
        self.failures = Failures(clock)
        self.own_code = OwnCode()
        # Powertools names its logger by the service, and takes from the root logger every line of a logger whose
        # name contains that: of a function called "aws", the lines of function.aws would be lost
        self.logger = Logger(service=f"stages of {function_name}", use_rfc3339=True, stream=output.stdout())
        self.logger.append_keys(service=function_name, **{"service.version": SERVICE_VERSION})
        self.stages = [
            log_stage(self.logger, function_name, by_route=settings.routes is not None, by_model=has_models),
            store_stage(settings.store, self.logger),
            publish_stage(settings.sink, settings.publish_outcomes, self.logger),
        ]
        if settings.stages:
            self.stages.append(self.own_code.stages(settings.stages, settings.stage_timeout))
        self.stages.append(self.own_code.end)


class Endpoint:
    """One route, as its settings describe it. It is made once per sandbox and keeps nothing of a request."""

    def __init__(self, settings: Settings, shared: Shared, route: str = ROUTE) -> None:
        """Load the user's classes.

        Raises:
            SettingsError: a setting names something that is not there or cannot be used.
        """
        self._settings = settings
        self.route = route
        self._clock = shared.clock
        self._stages = shared.stages
        self._request_class = load_request_class(settings.request, with_prompt=settings.prepare is None)
        self._body_limit = settings.body_limit or default_body_limit(self._request_class)
        self._answer = AnswerType(settings.schema)
        has_viewers = settings.stage_content and bool(settings.stages)
        self._content = Content(captured=settings.capture_content, shown=has_viewers)
        self._failures = shared.failures
        instructions = load_instructions(settings.instructions)
        made = [Converse(own, self._answer.schema, instructions) for own in settings_by_model(settings)]
        self._max_tokens = made[0].max_tokens
        repeats = len(made) == 1
        self._models = [BedrockModel(converse, shared.client, repeats=repeats) for converse in made]
        self._prepare = None if settings.prepare is None else shared.own_code.prepare(settings.prepare)

    def read(self, http: HttpRequest) -> Accepted | Rejected:
        """Return what the client asks."""
        return read_request(
            http,
            self._request_class,
            self._body_limit,
            route=self.route,
            allowed_origins=self._settings.allowed_origins,
            offer_raw_text=not self._answer.has_hidden,
            with_prompt=self._prepare is None,
        )

    def answer(
        self, request: Accepted | Rejected, http: HttpRequest, context: LambdaContext, watch: Stopwatch, caller: Caller
    ) -> Response:
        """Return the response once the status is known."""
        start = self._start(request, http, context, watch, caller)
        if isinstance(request, Rejected):
            head, body = reject(request.error, start, self._stages)
        else:
            head, body = run(self._job(request, start, http, watch), start, self._stages)
        for_browsers = cors(self._settings.allowed_origins, http.header("origin"))
        headers = {**head.headers, REQUEST_ID_HEADER: start.id, **for_browsers, **NO_SNIFFING}
        return Response(head.status, headers, body)

    def _start(
        self, request: Accepted | Rejected, http: HttpRequest, context: LambdaContext, watch: Stopwatch, caller: Caller
    ) -> Start:
        start = Start(
            id=context.aws_request_id,
            gateway_request_id=http.gateway_request_id,
            extended_request_id=http.extended_request_id,
            route=self.route if http.resource == resource(self.route) else None,
            model_id=self._settings.model_id,
            has_fallbacks=bool(self._settings.fallback_models),
            max_tokens=self._max_tokens,
            elapsed=watch.elapsed,
            began_at=time.time(),
            calls=Calls(),
            time_limit=(watch.elapsed() + context.get_remaining_time_in_millis()) / 1000
            - self._settings.seconds_of_own_stages,
            field_names=self._answer.field_names,
            media_type=request.format.content_type if request.format else None,
            content=self._content,
            caller=caller,
            caller_fields=named_fields(caller, self._settings.caller_fields),
            traceparent=http.traceparent,
            xray_trace_id=xray_trace_id(os.environ),
        )
        prompt = request.prompt if isinstance(request, Accepted) else ""
        return self._with_prompt(start, prompt) if prompt else start

    def _with_prompt(self, start: Start, prompt: str | Conversation) -> Start:
        shown = self._content.show(prompt)
        return start._replace(prompt=None if shown is None else content_of(shown), metadata=metadata_of(prompt))

    def _job(self, request: Accepted, start: Start, http: HttpRequest, watch: Stopwatch) -> Job:
        encoder = request.format.encoder(start)
        pace = Pace(
            heartbeat=self._settings.heartbeat,
            head_by=watch.began + self._head_within(encoder, http),
            deadline=watch.began + start.time_limit - margin(start.time_limit + self._settings.seconds_of_own_stages),
            prepare_by=self._clock.now() + (self._settings.prepare_timeout or inf),
        )
        turns = ModelTurns(self._models, self._failures, start.calls, self._settings.fallback_after)
        ask: Callable[[AnswerError | None], Source] = partial(self._ask, start, turns, request.prompt)
        after_prepare = None
        if self._prepare is not None:
            call = self._call(start, pace)
            prepared = Preparation(Making(self._prepare, request.request, call), partial(self._ask, start, turns))
            ask, after_prepare = prepared.call, partial(self._after_prepare, start, prepared)
        return Job(
            ask=PacedCalls(ask, turns, pace, self._clock, Thoughts(are_seen=encoder.shows_thinking)),
            answer=self._answer.type,
            to_json=self._answer.to_json,
            encoder=encoder,
            context=context_of(request.prompt),
            after_prepare=after_prepare,
            start_padding=self._settings.start_padding,
            max_attempts=self._settings.max_attempts,
        )

    def _call(self, start: Start, pace: Pace) -> Call:
        return Call(
            caller=start.caller,
            request_id=start.id,
            route=self.route,
            traceparent=start.traceparent,
            xray_trace_id=start.xray_trace_id,
            _seconds_left=lambda: pace.deadline - self._clock.now(),
        )

    def _ask(
        self,
        start: Start,
        turns: ModelTurns[BedrockModel],
        prompt: str | Conversation,
        previous: AnswerError | None,
    ) -> Source:
        metadata = {**metadata_of(prompt), **start.caller_fields}
        return turns.model.ask(prompt, start.calls, previous, metadata=metadata)

    def _after_prepare(self, start: Start, prepared: Preparation) -> AfterPrepare:
        return AfterPrepare(self._with_prompt(start, prepared.prompt), context_of(prepared.prompt))

    def _head_within(self, encoder: Encoder, http: HttpRequest) -> float:
        """Return the seconds that are left for the head, counted from when the gateway received the request.

        A format that can report a failure after its head sends the head sooner: a client that receives nothing gives up
        before the gateway does.
        """
        within = self._settings.first_event_timeout
        if encoder.can_report_errors:
            within = min(within, self._settings.head_within)
        waited = 0.0 if http.received_at is None else time.time() - http.received_at
        return max(0.0, within - max(0.0, waited))


class Function:
    """The function of one sandbox: it reads each event, and the endpoint of its route answers."""

    def __init__(self, environment: Mapping[str, str], clock: Clock) -> None:
        """Make the endpoint of every route, so that a mistake in any of them shows at start.

        Raises:
            SettingsError: a setting cannot be used; the message names its route, if the stack has routes.
        """
        self._settings = read_settings(environment)
        name = environment.get("AWS_LAMBDA_FUNCTION_NAME", "function")
        routes = read_routes(self._settings, environment)
        self.shared = Shared(self._settings, name, clock, has_models=len(models_of(routes)) > 1)
        if self._settings.routes is None:
            made = {route: Endpoint(own, self.shared, route) for route, own in routes.items()}
        else:
            made = {route: _one_of_several(route, own, self.shared) for route, own in routes.items()}
        self._endpoints = {resource(route): endpoint for route, endpoint in made.items()}
        self.shared.logger.info("function started")

    def handle(self, event: object, context: LambdaContext) -> Response:
        """Answer one invocation; return once the status is known. The caller reads the body to its end or closes it."""
        watch = Stopwatch(self.shared.clock)
        self._limit_user_code(context.get_remaining_time_in_millis() / 1000)
        http = parse_event(event)
        found = self._endpoints.get(http.resource)
        endpoint = found or next(iter(self._endpoints.values()))  # without a route, any endpoint rejects the request
        caller = caller_of(event, self._settings.authorization)
        route = {"route": found.route} if found else {}
        logs.running.begins(context.aws_request_id, route | named_fields(caller, self._settings.caller_fields))
        request = endpoint.read(http)
        del event  # while the model answers, nothing holds the body, which can have megabytes
        http = http._replace(encoded_body="")
        return endpoint.answer(request, http, context, watch, caller)

    def _limit_user_code(self, seconds: float) -> None:
        """Break into the user's code at the answer's time; half of the margin later, the process must be hanging."""
        reserve = margin(seconds, self._settings.seconds_of_own_stages)
        user_code.limit(seconds - reserve, report=seconds - reserve / 2)


def _one_of_several(route: str, settings: Settings, shared: Shared) -> Endpoint:
    try:
        return Endpoint(settings, shared, route)
    except SettingsError as error:
        raise SettingsError(in_route(route, str(error))) from error
    except BaseException as error:  # the user's module can raise anything, SystemExit included
        error.add_note(f"Route {route}")
        raise


logs.install(os.environ)  # before the first Logger is made

handle = Function(os.environ, SystemClock()).handle
"""What Lambda calls: ``_HANDLER`` is ``function.handler.handle``."""
