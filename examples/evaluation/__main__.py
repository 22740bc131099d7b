"""An endpoint whose own stage sees each answer, and publishes scores; log, store and sink have none of its words."""

import pulumi
import pulumi_aws as aws
from streaming_llm_api import StreamingLlmApi, arguments_from

scores = aws.sns.Topic("scores")
evaluated = StreamingLlmApi(
    "evaluated",
    {
        **arguments_from(pulumi.Config()),
        "environment": {"SCORES_TOPIC": scores.arn},
        "statements": [{"actions": ["sns:Publish"], "resources": [scores.arn]}],
    },
)

pulumi.export("ApiUrl", evaluated.url)
pulumi.export("Scores", scores.arn)
