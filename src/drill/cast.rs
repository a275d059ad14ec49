//! Who and what appears in every drill: accounts, regions, addresses, user agents. Addresses
//! come from the documentation ranges, account ids from AWS's examples.

/// The account whose trail the drill writes.
pub(crate) const PROD: &str = "111122223333";
/// The organization's management account.
pub(crate) const MANAGEMENT: &str = "999988887777";
/// A small account of the organization, where people try things out.
pub(crate) const SANDBOX: &str = "444455556666";
/// An account of the attacker.
pub(crate) const INTRUDER: &str = "666677778888";
/// A monitoring vendor that the company knows.
pub(crate) const VENDOR: &str = "777788889999";

/// Regions where the company runs its workloads.
pub(crate) const HOME: [&str; 2] = ["us-east-1", "eu-west-1"];
/// Regions into which `gh-deployer` rolls out.
pub(crate) const DEPLOYED: [&str; 4] = ["us-east-1", "eu-west-1", "us-west-2", "ap-southeast-2"];
/// Where global services log.
pub(crate) const GLOBAL: &str = "us-east-1";

/// The CI user's key, the one that leaks.
pub(crate) const CI_KEY: &str = "AKIAEXAMPLECI0000001";
/// The key of `deploy-bot`, the one that goes missing.
pub(crate) const DEPLOY_BOT_KEY: &str = "AKIAEXAMPLEDB0000001";

/// Where the CI system calls from.
pub(crate) const CI_ADDRESS: &str = "198.51.100.10";
/// Where the platform team calls from.
pub(crate) const PLATFORM_ADDRESS: &str = "198.51.100.20";
/// User agents, one per kind of caller.
pub(crate) mod agent {
    /// Terraform in CI.
    pub(crate) const TERRAFORM: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.9.8 (+https://www.terraform.io) terraform-provider-aws/5.80.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.23.3 md/GOOS#linux md/GOARCH#amd64";
    /// A browser in the console.
    pub(crate) const BROWSER: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36";
    /// The attacker's scripts.
    pub(crate) const ATTACKER: &str =
        "Boto3/1.34.69 md/Botocore#1.34.69 ua/2.0 os/linux#6.1 md/arch#x86_64 lang/python#3.11.6 md/pyimpl#CPython";
    /// The bots: Python as well, so that the language gives nothing away.
    pub(crate) const BOT: &str = "Boto3/1.35.36 md/Botocore#1.35.36 ua/2.0 os/linux#5.15.0 md/arch#x86_64 lang/python#3.12.4 md/pyimpl#CPython Botocore/1.35.36";
    /// A Python Lambda function.
    pub(crate) const FUNCTION: &str = "Boto3/1.35.36 md/Botocore#1.35.36 ua/2.0 os/linux#5.10.225 md/arch#x86_64 lang/python#3.12.5 md/pyimpl#CPython exec-env/AWS_Lambda_python3.12 Botocore/1.35.36";
    /// The web application on EC2.
    pub(crate) const APPLICATION: &str = "aws-sdk-java/2.28.11 md/io#async md/http#NettyNio ua/2.1 os/Linux#6.1.109 lang/java#21.0.4 md/OpenJDK_64-Bit_Server_VM#21.0.4+7-LTS m/D,N";
    /// The posture scanner.
    pub(crate) const SCANNER: &str = "Boto3/1.35.22 md/Botocore#1.35.22 ua/2.0 os/linux#6.5.0 md/arch#x86_64 lang/python#3.11.9 md/pyimpl#CPython cfg/retry-mode#standard APN/1.0 prowler/4.4.1";
    /// The AWS CLI on an engineer's machine.
    pub(crate) const CLI: &str = "aws-cli/2.17.62 md/awscrt#0.21.2 ua/2.0 os/macos#24.0.0 md/arch#arm64 lang/python#3.12.6 md/pyimpl#CPython cfg/retry-mode#standard md/installer#source md/prompt#off";
    /// The deployment action of the source repository.
    pub(crate) const ACTION: &str = "aws-sdk-nodejs/2.1691.0 linux/v20.17.0 configure-aws-credentials-for-github-actions exec-env/GitHubActions promise";
}

/// Roles that serve customers, as tasks on ECS.
pub(crate) const CUSTOMER_ROLES: [&str; 3] = ["customer-portal", "customer-api", "customer-billing"];

/// Names of the account's 40 secrets; the first two belong to the web application.
pub(crate) fn secrets() -> Vec<String> {
    const TEAMS: [&str; 8] = ["web", "orders", "billing", "search", "data", "identity", "mobile", "partners"];
    const KINDS: [&str; 5] = ["database", "api-token", "signing-key", "smtp", "webhook"];
    TEAMS.iter().flat_map(|team| KINDS.iter().map(move |kind| format!("prod/{team}/{kind}"))).collect()
}
