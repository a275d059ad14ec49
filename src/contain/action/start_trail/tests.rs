use super::StartTrail;
use crate::contain::action::Action as _;

#[test]
fn no_plan_turns_recording_off() {
    assert!(!StartTrail.is_undoable());
    assert!(!StartTrail.card().writes.iter().any(|right| right.action == "cloudtrail:StopLogging"));
}

#[cfg(feature = "ec2")]
#[test]
#[ignore = "needs a stand-in of AWS, whose address is in STAKEOUT_TEST_ENDPOINT"]
fn visibility_comes_back_at_a_stand_in() {
    use crate::contain::action::ec2::tests::{cloud, config, on_a_thread, subject, there_and_back};

    on_a_thread(async {
        let folder = tempfile::tempdir().unwrap();
        let cloud = cloud(folder.path());
        let buckets = aws_sdk_s3::Client::new(&config("us-east-1"));
        drop(buckets.create_bucket().bucket("trails").send().await);
        let trails = aws_sdk_cloudtrail::Client::new(&config("eu-west-1"));
        trails.create_trail().name("trail").s3_bucket_name("trails").send().await.unwrap();
        let account = subject("account", "arn:aws:iam::123456789012:root".to_owned());
        assert_eq!(there_and_back(&cloud, "start-trail", &account).await.unwrap(), 1);
        let status = trails.get_trail_status().name("trail").send().await.unwrap();
        assert_eq!(status.is_logging(), Some(true));
        let guard = aws_sdk_guardduty::Client::new(&config("eu-west-1"));
        // MiniStack has none.
        if guard.create_detector().enable(false).send().await.is_ok() {
            assert_eq!(there_and_back(&cloud, "enable-guardduty", &account).await.unwrap(), 1);
        }
    });
}
