"""The rules between arguments: which ones require or exclude each other."""

from .arguments import Authorization, Endpoint
from .contract import FIRST_EVENT_TIMEOUTS, LONGEST_TIMEOUT, either, margin
from .iam.model import Kind, model
from .options import Authorizer, Options
from .values import InvalidArgument, values_of


def refuse_contradictions(options: Options) -> None:
    """Raise for the first contradiction.

    Raises:
        InvalidArgument: an argument requires or excludes another one.
    """
    _refuse_endpoint(options)
    _refuse_times(options)
    _refuse_prepare(options)
    _refuse_stages(options)
    _refuse_routes(options)
    _refuse_authorization(options)
    _refuse_logging(options)
    _refuse_key(options)
    _refuse_requirements(options)
    _refuse_prices(options)


def _refuse_routes(options: Options) -> None:
    if not options.routes:
        _refuse_model_and_code(options)
    _refuse_equal_names(options)
    for name, route in options.routes.items():
        try:
            _refuse_model_and_code(route.options)
        except InvalidArgument as error:
            raise InvalidArgument(f"routes.{name}: {error}") from None


def _refuse_model_and_code(options: Options) -> None:
    _refuse_model(options)
    _refuse_code(options)


def _refuse_equal_names(options: Options) -> None:
    """A child has the name of its route after its own, which can contain a hyphen too."""
    for kind, end in (("preflight", "response"), ("preflight", "mapping"), ("throttle", "options")):
        for name in options.routes:
            if f"{end}-{name}" in options.routes:
                raise InvalidArgument(
                    f"routes: rename {end}-{name}: beside the route {name}, two children of the component would be "
                    f"called {kind}-{end}-{name}.",
                )


def _refuse_endpoint(options: Options) -> None:
    private = options.endpoint is Endpoint.PRIVATE
    if private and not options.vpc_endpoint:
        raise InvalidArgument("endpoint: private requires vpcEndpoint.")
    if options.vpc_endpoint and not private:
        raise InvalidArgument("vpcEndpoint requires endpoint: private.")
    if private and options.domain:
        raise InvalidArgument("domain cannot be combined with endpoint: private.")


def _refuse_times(options: Options) -> None:
    longest = FIRST_EVENT_TIMEOUTS[options.endpoint]
    if options.head_within > longest:
        raise InvalidArgument(
            f"headWithin must be at most {longest} with endpoint: {options.endpoint}; got {options.head_within:g}.",
        )


def _refuse_prepare(options: Options) -> None:
    if options.prepare_timeout is None:
        return
    if not any(endpoint.prepare for endpoint in options.endpoints.values()):
        raise InvalidArgument("prepareTimeout requires prepare.")
    longest = options.seconds_of_an_answer
    if options.prepare_timeout > longest:
        raise InvalidArgument(
            f"prepareTimeout must be at most {longest:g}, the time of the answer; got {options.prepare_timeout:g}."
        )


def _refuse_stages(options: Options) -> None:
    if not options.stages:
        given = {"stageTimeout": options.stage_timeout, "stageContent": options.stage_content}
        for key, value in given.items():
            if value:
                raise InvalidArgument(f"{key} requires stages.")
        return
    seconds = options.seconds_of_own_stages
    if margin(options.timeout, seconds) > options.timeout / 2:
        possible = range(options.timeout, LONGEST_TIMEOUT)
        least = next((timeout for timeout in possible if margin(timeout, seconds) <= timeout / 2), None)
        remedy = f"set timeout to {least} or more, or" if least else "set"
        raise InvalidArgument(
            f"stages must leave half of timeout for the answer; {remedy} a stageTimeout below {seconds:g}. "
            f"Got timeout: {options.timeout}.",
        )


def _refuse_model(options: Options) -> None:
    if options.model_regions and isinstance(options.model_id, str):
        named = model(options.model_id)
        fallbacks = (model(model_id) for model_id in options.fallback_models or ())
        if not named.has_unknown_regions and not any(fallback.has_unknown_regions for fallback in fallbacks):
            raise InvalidArgument(
                "modelRegions requires a geographic or application inference profile; "
                f"modelId {options.model_id} is {named.kind}.",
            )
    if "profile_model" in options.settings:
        _refuse_profile_model(options)
    if options.model_id in (options.fallback_models or ()):
        raise InvalidArgument(f"fallbackModels must not contain modelId, which is {options.model_id}.")
    if options.fallback_after is not None:
        _refuse_fallback_after(options, options.fallback_after)


def _refuse_fallback_after(options: Options, seconds: float) -> None:
    if not options.fallback_models:
        raise InvalidArgument("fallbackAfter requires fallbackModels.")
    longest = options.seconds_of_an_answer
    if seconds >= longest:
        raise InvalidArgument(f"fallbackAfter must be below {longest:g}, the time of the answer; got {seconds:g}.")


def _refuse_profile_model(options: Options) -> None:
    if isinstance(options.model_id, str):
        named = model(options.model_id)
        if named.kind is not Kind.APPLICATION:
            raise InvalidArgument(
                f"profileModel requires an application inference profile; modelId {options.model_id} is {named.kind}.",
            )
    if not options.model_regions:
        raise InvalidArgument("profileModel requires modelRegions: without them Bedrock is asked for the model.")


def _refuse_authorization(options: Options) -> None:
    authorizer = options.authorizer
    if options.authorization is Authorization.COGNITO and not authorizer.user_pools:
        raise InvalidArgument("authorization: cognito requires authorizer.userPools.")
    if options.authorization is Authorization.LAMBDA and not authorizer.function_arn:
        raise InvalidArgument("authorization: lambda requires authorizer.functionArn.")
    unset = authorizer == Authorizer(**values_of(Authorizer, {}))
    if not unset and options.authorization not in {Authorization.COGNITO, Authorization.LAMBDA}:
        raise InvalidArgument("authorizer requires authorization: cognito or lambda.")
    if authorizer.user_pools and authorizer.function_arn:
        raise InvalidArgument("authorizer takes either userPools or functionArn; got both.")
    if authorizer.scopes and not authorizer.user_pools:
        raise InvalidArgument("authorizer.scopes requires authorization: cognito.")
    if options.caller_fields and options.authorization is Authorization.NONE:
        raise InvalidArgument("callerFields requires authorization: iam, apiKey, cognito or lambda.")
    if options.quota and options.authorization is not Authorization.API_KEY:
        raise InvalidArgument("quota requires authorization: apiKey.")


def _refuse_logging(options: Options) -> None:
    if options.manage_account_logging and not options.access_log:
        raise InvalidArgument("manageAccountLogging requires accessLog: true.")


def _refuse_key(options: Options) -> None:
    if options.kms_key is None and not options.environment_key_through_lambda:
        raise InvalidArgument("environmentKeyThroughLambda: false requires kmsKey.")


def _refuse_code(options: Options) -> None:
    modules = {"schema": options.schema, "request": options.request, "prepare": options.prepare}
    modules["instructions"] = options.instructions
    own = [key for key, reference in modules.items() if reference and not reference.startswith("function.")]
    own += ["stages"] if options.stages else []
    if own and options.code is None:
        raise InvalidArgument(f"Set code to the folder that contains the modules named by {' and '.join(own)}.")


def _refuse_prices(options: Options) -> None:
    called = list(dict.fromkeys(options.called_models))
    if options.dashboard is None or not all(isinstance(model_id, str) for model_id in called):
        return
    for model_id in options.dashboard.prices:
        if model_id not in called:
            raise InvalidArgument(
                f"dashboard.prices must name models that are called, as modelId does: {either(called)}; got {model_id}."
            )


def _refuse_requirements(options: Options) -> None:
    if options.requirements and not options.code:
        raise InvalidArgument("requirements requires code: set code to the folder whose modules import these packages.")
