//! `connection` of a `PodCreate`, `config` of a task runner.

use super::property::{Object, Property, Shape};

/// Where a file of a connection may be kept, for every property that names one.
const FILE: Shape = Shape::Text;

/// How to reach a cluster.
pub const CONNECTION: Object = Object {
    name: "Connection",
    about: "How to reach the cluster. Without one the deployment's default cluster is used. A `…File` is s3://bucket/key or the ARN of a secret; \
            certificates, keys, tokens, passwords and passphrases may be the ARN of a secret too, with #key for a member of a JSON secret.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read("masterUrl", Shape::Text, "URL of the API server.")
            .default("https://kubernetes.default.svc"),
        Property::read(
            "caCertData",
            Shape::Text,
            "CA certificate: base64 of PEM, or an ARN. Without any CA those of the system are trusted.",
        )
        .secret(),
        Property::read("caCertFile", FILE, "Where the CA certificate is kept, as PEM."),
        Property::read("clientCertData", Shape::Text, "Client certificate: base64 of PEM, or an ARN.")
            .secret(),
        Property::read("clientCertFile", FILE, "Where the client certificate is kept, as PEM."),
        Property::read(
            "clientKeyData",
            Shape::Text,
            "Client key: base64 of PEM (PKCS#8, PKCS#1, SEC1), or an ARN.",
        )
        .secret(),
        Property::read("clientKeyFile", FILE, "Where the client key is kept, as PEM."),
        Property::read(
            "clientKeyAlgo",
            Shape::Text,
            "Algorithm of the client key, `RSA` or `EC`; read from the key itself, which must agree.",
        ),
        Property::read(
            "clientKeyPassphrase",
            Shape::Text,
            "Passphrase of an encrypted client key (PKCS#8), or an ARN.",
        )
        .secret(),
        Property::read(
            "keyStoreFile",
            FILE,
            "Where a PKCS12 or JKS store with client certificate and key is kept.",
        ),
        Property::read("keyStorePassphrase", Shape::Text, "Its passphrase, or an ARN.")
            .secret()
            .default("changeit"),
        Property::read("trustStoreFile", FILE, "Where a PKCS12 or JKS store with CA certificates is kept."),
        Property::read("trustStorePassphrase", Shape::Text, "Its passphrase, or an ARN.")
            .secret()
            .default("changeit"),
        Property::read("oauthToken", Shape::Text, "Bearer token, or an ARN.").secret(),
        Property::read(
            "oauthTokenProvider",
            Shape::Object(&TOKEN_PROVIDER),
            "Makes a bearer token each time; the one for EKS is built in.",
        ),
        Property::read("username", Shape::Text, "User of basic authentication."),
        Property::read("password", Shape::Text, "Password of basic authentication, or an ARN.").secret(),
        Property::read("trustCerts", Shape::Flag, "Accept any certificate.").default("false"),
        Property::read(
            "disableHostnameVerification",
            Shape::Flag,
            "Accept a certificate for another host name; authority and validity are still checked.",
        )
        .default("false"),
        Property::read("apiVersion", Shape::Text, "Version of the Kubernetes API.").default("v1"),
        Property::read(
            "namespace",
            Shape::Text,
            "Kubernetes namespace of the pod when the task does not name one.",
        ),
    ]],
};

/// `oauthTokenProvider`.
pub const TOKEN_PROVIDER: Object = Object {
    name: "OAuthTokenProvider",
    about: "A task that makes a bearer token. Kestra runs any task for it; here only the one for EKS.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read("task", Shape::Object(&EKS_TOKEN), "The task.").required(),
        Property::read(
            "output",
            Shape::Text,
            "The token among the task's outputs; of EKS always `{{ token.tokenValue }}`.",
        ),
        Property::read("cache", Shape::Duration, "Use a token no longer than this; ten minutes at most.")
            .default("PT10M"),
    ]],
};

const SIGNED: &str = "the token is signed by the function's role, or by that of `stsRoleArn`";

/// The task for EKS; Kestra's name for it is the second
/// (<https://kestra.io/plugins/plugin-aws/tasks/auth/io.kestra.plugin.aws.auth.ekstoken>).
pub const EKS_TOKEN: Object = Object {
    name: "EksToken",
    about: "A token for an EKS cluster, signed by the function's own role or by one that it assumes.",
    types: &["eks", "io.kestra.plugin.aws.auth.EksToken"],
    needs_one_of: &[],
    parts: &[&[
        Property::read("type", Shape::Text, "What makes the token.").required(),
        Property::inert("id", Shape::Text, "Name of the task."),
        Property::read("clusterName", Shape::Text, "Name of the EKS cluster.").required(),
        Property::read("region", Shape::Text, "Its region; the function's own unless said."),
        Property::read(
            "stsRoleArn",
            Shape::Text,
            "ARN of a role to assume first; the deployment's parameter `ConnectionRoles` allows it.",
        ),
        Property::read("stsRoleExternalId", Shape::Text, "External id that the role asks for."),
        Property::inert(
            "expirationDuration",
            Shape::Any,
            "How long the token is valid; EKS takes 15 minutes from its signing.",
        ),
        Property::refused("accessKeyId", SIGNED),
        Property::refused("secretKeyId", SIGNED),
        Property::refused("sessionToken", SIGNED),
        Property::refused("endpointOverride", SIGNED),
        Property::refused("stsEndpointOverride", SIGNED),
        Property::refused("stsRoleSessionName", "the session is called `longshore`"),
        Property::refused("stsRoleSessionDuration", "each token has a session of its own"),
        Property::refused("compatibilityMode", SIGNED),
        Property::refused("forcePathStyle", SIGNED),
    ]],
};
