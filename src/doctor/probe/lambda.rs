//! Rights of Lambda.

use aws_sdk_lambda::Client;

use super::{Bench, NOBODY, NOTHING, Tried, tried};

pub(super) async fn attempt(name: &str, bench: &Bench<'_>) -> Option<Tried> {
    let client = Client::new(&bench.config);
    match name {
        "ListTags" => {
            let arn = format!("arn:aws:lambda:{}:{}:function:{NOBODY}", bench.region(), bench.account);
            Some(tried("lambda:ListTags", client.list_tags().resource(arn).send().await))
        }
        "GetEventSourceMapping" => {
            let request = client.get_event_source_mapping().uuid(NOTHING);
            Some(tried("lambda:GetEventSourceMapping", request.send().await))
        }
        "ListEventSourceMappings" => {
            let request = client.list_event_source_mappings().max_items(1);
            Some(tried("lambda:ListEventSourceMappings", request.send().await))
        }
        _ if name.starts_with("List") => list(name, &client).await,
        _ => get(name, &client).await,
    }
}

async fn list(name: &str, client: &Client) -> Option<Tried> {
    Some(match name {
        "ListAliases" => tried("lambda:ListAliases", client.list_aliases().function_name(NOBODY).send().await),
        "ListFunctionEventInvokeConfigs" => {
            let request = client.list_function_event_invoke_configs().function_name(NOBODY);
            tried("lambda:ListFunctionEventInvokeConfigs", request.send().await)
        }
        "ListFunctionUrlConfigs" => {
            let request = client.list_function_url_configs().function_name(NOBODY);
            tried("lambda:ListFunctionUrlConfigs", request.send().await)
        }
        "ListProvisionedConcurrencyConfigs" => {
            let request = client.list_provisioned_concurrency_configs().function_name(NOBODY);
            tried("lambda:ListProvisionedConcurrencyConfigs", request.send().await)
        }
        "ListVersionsByFunction" => {
            let request = client.list_versions_by_function().function_name(NOBODY);
            tried("lambda:ListVersionsByFunction", request.send().await)
        }
        _ => return None,
    })
}

async fn get(name: &str, client: &Client) -> Option<Tried> {
    Some(match name {
        "GetFunctionConcurrency" => {
            let request = client.get_function_concurrency().function_name(NOBODY);
            tried("lambda:GetFunctionConcurrency", request.send().await)
        }
        "GetFunctionConfiguration" => {
            let request = client.get_function_configuration().function_name(NOBODY);
            tried("lambda:GetFunctionConfiguration", request.send().await)
        }
        "GetFunctionEventInvokeConfig" => {
            let request = client.get_function_event_invoke_config().function_name(NOBODY);
            tried("lambda:GetFunctionEventInvokeConfig", request.send().await)
        }
        "GetFunctionUrlConfig" => {
            let request = client.get_function_url_config().function_name(NOBODY);
            tried("lambda:GetFunctionUrlConfig", request.send().await)
        }
        "GetPolicy" => tried("lambda:GetPolicy", client.get_policy().function_name(NOBODY).send().await),
        "GetProvisionedConcurrencyConfig" => {
            let request = client.get_provisioned_concurrency_config().function_name(NOBODY).qualifier("1");
            tried("lambda:GetProvisionedConcurrencyConfig", request.send().await)
        }
        _ => return None,
    })
}
