"""Which arguments do not go together."""

from collections.abc import Iterable

from .arguments import Authorization, Endpoint
from .iam.model import model
from .options import InvalidArgument, Options


def refuse_contradictions(options: Options) -> None:
    """Raise for the first pair of arguments that do not go together.

    Raises:
        InvalidArgument: there is such a pair.
    """
    for wrong, sentence in _contradictions(options):
        if wrong:
            raise InvalidArgument(sentence)


def _contradictions(options: Options) -> Iterable[tuple[object, str]]:
    """Yield pairs of arguments that do not go together, and what to say of them."""
    private = options.endpoint is Endpoint.PRIVATE
    called = model(options.model_id) if isinstance(options.model_id, str) else None
    pools, function = options.authorizer.get("user_pools"), options.authorizer.get("function_arn")
    judged = options.authorization in {Authorization.COGNITO, Authorization.LAMBDA}
    yield private and not options.vpc_endpoint, "vpcEndpoint is missing: a private endpoint is reached through one."
    yield (
        options.model_regions and called and not called.asks_regions,
        f"modelRegions is for a geographic or application inference profile, and modelId is {called and called.kind}.",
    )
    yield options.vpc_endpoint and not private, "vpcEndpoint is for endpoint: private."
    yield private and options.domain, "domain may not be set with endpoint: private."
    yield (
        options.authorization is Authorization.COGNITO and not pools,
        "authorizer.userPools is missing: authorization: cognito needs the user pools.",
    )
    yield (
        options.authorization is Authorization.LAMBDA and not function,
        "authorizer.functionArn is missing: authorization: lambda needs the function.",
    )
    yield options.authorizer and not judged, "authorizer is for authorization: cognito or lambda."
    yield pools and function, "authorizer may have userPools or functionArn, not both."
    yield (
        options.authorizer.get("scopes") and not pools,
        "authorizer.scopes is for authorization: cognito.",
    )
    yield (
        options.quota and options.authorization is not Authorization.API_KEY,
        "quota is for authorization: apiKey, whose key it counts.",
    )
    yield (
        options.manage_account_logging and not options.access_log,
        "manageAccountLogging is for accessLog: true, which needs the account's logging role.",
    )
    yield (
        options.code is None and _own_modules(options),
        f"code is missing, the folder with the modules of {' and '.join(_own_modules(options))}.",
    )
    yield (
        options.requirements and not options.code,
        "requirements are the packages of your code: set code as well.",
    )


def _own_modules(options: Options) -> list[str]:
    named = {"schema": options.schema, "request": options.request, "instructions": options.instructions}
    return [key for key, reference in named.items() if reference and not reference.startswith("function.")]
