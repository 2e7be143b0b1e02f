/** Of example.com, signed by its own key, for a hundred years. */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBgjCCASmgAwIBAgIUDna8RBX7vSd7xbub21O8fd45sGowCgYIKoZIzj0EAwIw
FjEUMBIGA1UEAwwLZXhhbXBsZS5jb20wIBcNMjYxMTIzMTEwMjM0WhgPMjEyNjEw
MzAxMTAyMzRaMBYxFDASBgNVBAMMC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEcS6ZYZb+OMTjcbSB74CCagI+kgY3XhYM0/esnWVZvGSY1+mu
meE1vU7BIUMuxGPqvpqAit/c6pWiZKBHyCM45KNTMFEwHQYDVR0OBBYEFHgVYj9F
hg1J5g78rivphEB4D+w+MB8GA1UdIwQYMBaAFHgVYj9Fhg1J5g78rivphEB4D+w+
MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgEVAwXh5u2ejLMIpP
TmSxrCE8jBETuVQr46PzsOiA0+wCIBVY1FO6/zZ/R4XfUjzQpgOaxjTqDZygwnpz
xweR7fko
-----END CERTIFICATE-----`;
/** Of that certificate. */
export const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgNnYs4TC6f7g5TsBW
FcfcHRlw2p9/YUxwWt0kAmkkB5KhRANCAARxLplhlv44xONxtIHvgIJqAj6SBjde
FgzT96ydZVm8ZJjX6a6Z4TW9TsEhQy7EY+q+moCK39zqlaJkoEfIIzjk
-----END PRIVATE KEY-----`;

/** Of an identity provider with this certificate, in base64 alone. */
export const samlMetadata = (certificate: string): string =>
  `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://idp.example"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor use="signing"><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>${certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor></IDPSSODescriptor></EntityDescriptor>${" ".repeat(1000)}`;
