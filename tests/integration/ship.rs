//! What is deployed: the function and its host, the templates, and the commands that set all of it up.

mod deploy;
mod doctor;
mod init;
mod lambda;
mod lambda_host;
mod live_drill;
mod settings;
