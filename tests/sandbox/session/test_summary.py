"""What a user and other programs read of a deployed state: never a secret."""

from sandbox.session.summary import SECRET_SIGNATURE, outputs_of


def test_secret_outputs_are_masked_wherever_they_are() -> None:
    secret = {SECRET_SIGNATURE: "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}
    stack = {
        "type": "pulumi:pulumi:Stack",
        "outputs": {"url": "https://x", "token": secret, "all": [{"inner": secret}]},
    }
    other = {"type": "aws:s3/bucket:Bucket", "outputs": {"bucket": "logs"}}
    assert outputs_of({"deployment": {"resources": [other, stack]}}) == {
        "all": [{"inner": "[secret]"}],
        "token": "[secret]",
        "url": "https://x",
    }


def test_empty_state_has_no_outputs() -> None:
    assert outputs_of({"deployment": {}}) == {}
