"""MiniStack, with the names of what is asked of Lambda as AWS checks them: its own table takes reads for writes."""

from ministack.app import main
from ministack.core import iam_actions

NAMES = {
    ("concurrency", "GET"): "GetFunctionConcurrency",
    ("concurrency", "DELETE"): "DeleteFunctionConcurrency",
    ("event-invoke-config", "GET"): "GetFunctionEventInvokeConfig",
    ("event-invoke-config", "PUT"): "PutFunctionEventInvokeConfig",
    ("event-invoke-config", "POST"): "UpdateFunctionEventInvokeConfig",
    ("event-invoke-config", "DELETE"): "DeleteFunctionEventInvokeConfig",
    ("event-invoke-config/list", "GET"): "ListFunctionEventInvokeConfigs",
    ("url", "PUT"): "UpdateFunctionUrlConfig",
    ("url", "DELETE"): "DeleteFunctionUrlConfig",
    ("urls", "GET"): "ListFunctionUrlConfigs",
}
table = iam_actions._lambda_action


def action(method, path):
    _, found, behind = path.partition("/functions/")
    if found:
        return NAMES.get((behind.partition("/")[2].rstrip("/"), method)) or table(method, path)
    if "/event-source-mappings/" in path:
        return {"GET": "GetEventSourceMapping", "PUT": "UpdateEventSourceMapping"}.get(method) or table(method, path)
    return table(method, path)


iam_actions._lambda_action = action
main()
