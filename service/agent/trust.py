"""Which certificates the agent takes for its server's."""

import ssl


def tls_context(certificate: str | None, pinned: bool) -> ssl.SSLContext:
    """What to trust: the machine's authorities, one authority, or one certificate whatever its name.

    Args:
        certificate: PEM that alone is trusted; None trusts the machine's authorities.
        pinned: it is the server's own certificate.

    Raises:
        ValueError: of a text that is no certificate.
    """
    if certificate is not None and not certificate.strip():
        raise ValueError("no certificate: it is empty")
    try:
        context = ssl.create_default_context(cadata=certificate)
    except (TypeError, ssl.SSLError) as error:  # TypeError: of letters beyond ASCII
        raise ValueError(f"no certificate: {error}") from error
    if pinned:
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.check_hostname = False  # it is this very certificate or none
    return context
