"""How a function is deployed: where its files are, and the environment of its processes."""

import sys
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ACCOUNT, REGION = "123456789012", "eu-west-1"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A function as deployed: where its files are and how it is configured."""

    root: Path
    """The task root: an unpacked bundle (``bootstrap`` at its root) or a checkout (``function/bootstrap``)."""
    environment: Mapping[str, str | None] = field(default_factory=dict)
    """The function's own variables; they replace Lambda's of the same name, and None removes one."""
    python: str = sys.executable
    name: str = "streaming-llm"
    handler: str = "function.handler.handle"
    timeout: float = 120
    """Seconds until an invocation's sandbox is killed."""
    memory: int = 1024
    """Megabytes, as the function's environment reports them; it is not a limit."""
    concurrency: int = 10
    """Sandboxes at the same time, at most."""

    @property
    def arn(self) -> str:
        """The function's ARN."""
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.name}"

    @property
    def bootstrap(self) -> Path:
        """What ``AWS_LAMBDA_EXEC_WRAPPER`` names."""
        at_root = self.root / "bootstrap"
        return at_root if at_root.exists() else self.root / "function" / "bootstrap"

    def environ(self, runtime_api: str) -> dict[str, str]:
        """Return the whole environment of a sandbox: Lambda's variables and the function's own, nothing else."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        variables = {
            "_HANDLER": self.handler,
            "AWS_ACCESS_KEY_ID": "twin",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EXECUTION_ENV": f"AWS_Lambda_python{version}",
            "AWS_LAMBDA_EXEC_WRAPPER": str(self.bootstrap),
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self.memory),
            "AWS_LAMBDA_FUNCTION_NAME": self.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{self.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": f"{time.strftime('%Y/%m/%d')}/[$LATEST]{uuid.uuid4().hex}",
            "AWS_LAMBDA_RUNTIME_API": runtime_api,
            "AWS_REGION": REGION,
            "AWS_SECRET_ACCESS_KEY": "twin",
            "AWS_SESSION_TOKEN": "twin",
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "LAMBDA_TASK_ROOT": str(self.root),
            "LANG": "en_US.UTF-8",
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TZ": ":UTC",
            **self.environment,
        }
        return {name: value for name, value in variables.items() if value is not None}
