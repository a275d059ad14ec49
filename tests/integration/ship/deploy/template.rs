//! A template of `CloudFormation` with its functions resolved, as far as these templates use them.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Map, Value, json};

use crate::harness::root;

pub(super) const ACCOUNT: &str = "111122223333";
pub(super) const REGION: &str = "eu-west-1";

/// A template and the parameters of a stack.
pub(super) struct Template {
    whole: Value,
    parameters: BTreeMap<String, Value>,
}

impl Template {
    /// A template of `deploy/cloudformation` with some parameters; the others have their defaults.
    pub(super) fn read(name: &str, parameters: &[(&str, &str)]) -> Self {
        let path = root().join("deploy/cloudformation").join(name);
        let yaml: yaml_serde::Value = yaml_serde::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let whole = plain(yaml);
        let given: BTreeMap<_, _> = parameters.iter().copied().collect();
        assert!(given.keys().all(|name| whole["Parameters"].get(name).is_some()), "{given:?}");
        let value = |(name, about): (&String, &Value)| {
            let text = given.get(name.as_str()).map(|text| json!(text)).or_else(|| about.get("Default").cloned());
            let text = text.unwrap_or_else(|| panic!("no value for {name}"));
            let is_list = about["Type"] == "CommaDelimitedList";
            let parts = || text.as_str().unwrap().split(',').map(str::trim).collect::<Vec<_>>();
            (name.clone(), if is_list { json!(parts()) } else { text.clone() })
        };
        let about = whole["Parameters"].as_object();
        let parameters = about.map(|about| about.iter().map(value).collect()).unwrap_or_default();
        Self { whole, parameters }
    }

    /// The resources that are made, with their properties resolved, by logical id.
    pub(super) fn resources(&self) -> BTreeMap<String, Value> {
        let all = self.whole["Resources"].as_object().unwrap();
        let is_made = |about: &Value| about.get("Condition").is_none_or(|name| self.holds(name.as_str().unwrap()));
        let made = all.iter().filter(|(_, about)| is_made(about));
        made.map(|(name, about)| (name.clone(), self.resolved(about).unwrap())).collect()
    }

    /// Managed policies by the name of their role.
    pub(super) fn policies(&self) -> BTreeMap<String, BTreeMap<String, Value>> {
        let mut roles: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
        for resource in self.resources().values().filter(|resource| resource["Type"] == "AWS::IAM::ManagedPolicy") {
            let properties = &resource["Properties"];
            let name = properties["ManagedPolicyName"].as_str().unwrap().to_owned();
            for role in properties["Roles"].as_array().unwrap() {
                let role = roles.entry(role.as_str().unwrap().to_owned()).or_default();
                assert!(role.insert(name.clone(), properties["PolicyDocument"].clone()).is_none(), "{name} twice");
            }
        }
        roles
    }

    fn holds(&self, condition: &str) -> bool {
        let meaning = self.whole["Conditions"].get(condition).unwrap_or_else(|| panic!("no condition {condition}"));
        self.is_true(meaning)
    }

    fn is_true(&self, condition: &Value) -> bool {
        let (function, about) = condition.as_object().unwrap().iter().next().unwrap();
        let all = || about.as_array().unwrap();
        match function.as_str() {
            "Condition" => self.holds(about.as_str().unwrap()),
            // CloudFormation compares texts, also of numbers.
            "Fn::Equals" => {
                let text = |value: &Value| self.resolved(value).unwrap().to_string().replace('"', "");
                text(&all()[0]) == text(&all()[1])
            }
            "Fn::Not" => !self.is_true(&all()[0]),
            "Fn::And" => all().iter().all(|each| self.is_true(each)),
            "Fn::Or" => all().iter().any(|each| self.is_true(each)),
            other => panic!("{other} is no condition"),
        }
    }

    /// A value without functions; none where it is to be left out.
    fn resolved(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Array(items) => Some(items.iter().filter_map(|item| self.resolved(item)).collect()),
            Value::Object(fields) => match fields.iter().next() {
                Some((name, about)) if fields.len() == 1 && (name == "Ref" || name.starts_with("Fn::")) => {
                    self.answer(name, about)
                }
                _ => Some(Value::Object(self.fields(fields))),
            },
            other => Some(other.clone()),
        }
    }

    fn fields(&self, fields: &Map<String, Value>) -> Map<String, Value> {
        fields.iter().filter_map(|(key, value)| Some((key.clone(), self.resolved(value)?))).collect()
    }

    fn answer(&self, function: &str, about: &Value) -> Option<Value> {
        let part = |place: usize| self.resolved(&about[place]).unwrap();
        let text = |place: usize| part(place).as_str().unwrap().to_owned();
        let list = |value: Value| -> Vec<String> {
            value.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
        };
        Some(match function {
            "Ref" if about == "AWS::NoValue" => return None,
            "Ref" => self.named(about.as_str().unwrap()),
            "Fn::GetAtt" => {
                let whole = about.as_str().map_or_else(|| list(about.clone()).join("."), str::to_owned);
                self.named(&whole)
            }
            "Fn::If" => {
                let place = if self.holds(about[0].as_str().unwrap()) { 1 } else { 2 };
                return self.resolved(&about[place]);
            }
            "Fn::Join" => json!(list(part(1)).join(&text(0))),
            "Fn::Split" => json!(text(1).split(&text(0)).collect::<Vec<_>>()),
            "Fn::Select" => part(1)[usize::try_from(about[0].as_u64().unwrap()).unwrap()].clone(),
            "Fn::Sub" => match about {
                Value::String(template) => json!(self.filled(template, &Map::new())),
                _ => json!(self.filled(about[0].as_str().unwrap(), &self.fields(about[1].as_object().unwrap()))),
            },
            other => panic!("{other} is not known"),
        })
    }

    /// A text with what stands in `${}`.
    fn filled(&self, template: &str, more: &Map<String, Value>) -> String {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, behind) = after.split_once('}').unwrap();
            let value = more.get(name).cloned().unwrap_or_else(|| self.named(name));
            filled.push_str(before);
            filled.push_str(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            rest = behind;
        }
        filled + rest
    }

    /// A parameter, a pseudo parameter, or what a resource is called.
    fn named(&self, name: &str) -> Value {
        match name {
            "AWS::AccountId" => return json!(ACCOUNT),
            "AWS::Region" => return json!(REGION),
            "AWS::StackId" => {
                return json!(format!(
                    "arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/stakeout/1a2b3c4d-0000-1111-2222-333344445555"
                ));
            }
            _ => {}
        }
        if let Some(value) = self.parameters.get(name) {
            return value.clone();
        }
        let (id, attribute) = name.split_once('.').unwrap_or((name, "Ref"));
        let resource = self.whole["Resources"].get(id).unwrap_or_else(|| panic!("nothing is called {name}"));
        let properties = &resource["Properties"];
        let own = |key: &str| self.resolved(&properties[key]).unwrap().as_str().unwrap().to_owned();
        let (called, arn) = match resource["Type"].as_str().unwrap() {
            "AWS::S3::Bucket" => (own("BucketName"), "arn:aws:s3:::".to_owned()),
            "AWS::DynamoDB::Table" => (own("TableName"), format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/")),
            "AWS::IAM::Role" => (own("RoleName"), format!("arn:aws:iam::{ACCOUNT}:role/")),
            "AWS::Lambda::Function" => (own("FunctionName"), format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:")),
            "AWS::SQS::Queue" => (own("QueueName"), format!("arn:aws:sqs:{REGION}:{ACCOUNT}:")),
            "AWS::Events::Rule" => (own("Name"), format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/")),
            "AWS::Logs::LogGroup" => (own("LogGroupName"), format!("arn:aws:logs:{REGION}:{ACCOUNT}:log-group:")),
            "AWS::SNS::Topic" => (format!("arn:aws:sns:{REGION}:{ACCOUNT}:{}", own("TopicName")), String::new()),
            other => panic!("{other} is not known, which {name} names"),
        };
        json!(if attribute == "Arn" { arn + &called } else { called })
    }
}

/// YAML with short tags as the JSON that it stands for.
fn plain(yaml: yaml_serde::Value) -> Value {
    use yaml_serde::Value as Yaml;
    match yaml {
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = match tag.trim_start_matches('!') {
                name @ ("Ref" | "Condition") => name.to_owned(),
                name => format!("Fn::{name}"),
            };
            json!({ name: plain(tagged.value) })
        }
        Yaml::Sequence(items) => items.into_iter().map(plain).collect(),
        Yaml::Mapping(fields) => {
            let field = |(key, value): (Yaml, Yaml)| (key.as_str().unwrap().to_owned(), plain(value));
            Value::Object(fields.into_iter().map(field).collect())
        }
        other => serde_json::to_value(other).unwrap(),
    }
}
