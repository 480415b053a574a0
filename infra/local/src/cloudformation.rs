//! CloudFormation's query protocol, as far as a deployment needs it.

use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{StackError, http};

/// A stack as DescribeStacks tells it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Described {
    pub status: String,
    pub outputs: Vec<(String, String)>,
}

/// CreateStack with a template in S3 and parameters; returns at once.
pub(crate) async fn create_stack(
    port: u16,
    name: &str,
    template_url: &str,
    parameters: &[(&str, &str)],
) -> Result<(), StackError> {
    let mut fields = vec![
        ("StackName".to_owned(), name),
        ("TemplateURL".to_owned(), template_url),
        ("Capabilities.member.1".to_owned(), "CAPABILITY_IAM"),
        // The template has transforms.
        ("Capabilities.member.2".to_owned(), "CAPABILITY_AUTO_EXPAND"),
    ];
    for (number, (key, value)) in (1..).zip(parameters) {
        fields.push((format!("Parameters.member.{number}.ParameterKey"), key));
        fields.push((format!("Parameters.member.{number}.ParameterValue"), value));
    }
    query(port, "CreateStack", fields, "deploy the template").await.map(drop)
}

/// DescribeStacks for one stack.
pub(crate) async fn describe_stack(port: u16, name: &str) -> Result<Described, StackError> {
    let fields = vec![("StackName".to_owned(), name)];
    let answer = query(port, "DescribeStacks", fields, "describe the deployment").await?;
    Ok(described(&answer))
}

/// What DescribeStackEvents says about the resources that failed: `LogicalId: reason`.
pub(crate) async fn failures(port: u16, name: &str) -> Result<Vec<String>, StackError> {
    let fields = vec![("StackName".to_owned(), name)];
    let answer = query(port, "DescribeStackEvents", fields, "list the deployment's events").await?;
    Ok(members(&answer, "member")
        .into_iter()
        .filter(|event| element(event, "ResourceStatus").is_some_and(|status| status.ends_with("FAILED")))
        .filter_map(|event| {
            let resource = element(event, "LogicalResourceId")?;
            let reason = element(event, "ResourceStatusReason").unwrap_or_default();
            Some(format!("{resource}: {reason}"))
        })
        .collect())
}

async fn query(
    port: u16,
    action: &str,
    fields: Vec<(String, &str)>,
    operation: &str,
) -> Result<String, StackError> {
    let mut body = format!("Action={action}&Version=2010-05-15");
    for (key, value) in fields {
        body.push_str(&format!("&{key}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    }
    let content_type = "application/x-www-form-urlencoded; charset=utf-8";
    http::send(port, Method::POST, "/", content_type, body, operation).await.map(|answer| answer.body)
}

fn described(answer: &str) -> Described {
    let outputs =
        element_text(answer, "Outputs").map(|outputs| members(outputs, "member")).unwrap_or_default();
    Described {
        status: element(answer, "StackStatus").unwrap_or_default(),
        outputs: outputs
            .into_iter()
            .filter_map(|output| Some((element(output, "OutputKey")?, element(output, "OutputValue")?)))
            .collect(),
    }
}

/// The text of the first element of that name. The answers have no attributes and no CDATA.
fn element(xml: &str, name: &str) -> Option<String> {
    let text = element_text(xml, name)?;
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    Some(plain.replace("&amp;", "&"))
}

fn element_text<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    rest.split_once(&format!("</{name}>")).map(|(text, _)| text)
}

/// The contents of all elements of that name that do not lie in another of them.
fn members<'a>(xml: &'a str, name: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(open.as_str())
        .skip(1)
        .filter_map(|rest| rest.split_once(close.as_str()))
        .map(|(text, _)| text)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Described, described};

    #[test]
    fn status_and_outputs_are_read_from_the_answer() {
        let answer = "<DescribeStacksResponse><Stacks><member><StackStatus>CREATE_COMPLETE</StackStatus>\
            <Parameters><member><ParameterKey>A</ParameterKey></member></Parameters><Outputs>\
            <member><OutputKey>Queue</OutputKey><OutputValue>http://h/q?a=1&amp;b=&lt;2&gt;</OutputValue></member>\
            <member><OutputKey>Bucket</OutputKey><OutputValue>b</OutputValue><Description>d</Description></member>\
            </Outputs></member></Stacks></DescribeStacksResponse>";
        let outputs = vec![("Queue".into(), "http://h/q?a=1&b=<2>".into()), ("Bucket".into(), "b".into())];
        assert_eq!(described(answer), Described { status: "CREATE_COMPLETE".into(), outputs });
    }
}
