import { KbgError, messageOf } from '../../model/error.ts'

/**
 * A login at MSK as the IAM role whose credentials AWS's default chain finds for this process: a presigned `kafka-cluster:Connect`, which is valid for 15 minutes at most and goes over TLS only.
 * Signed anew each time, so that none is kept. The signer is AWS's own.
 *
 * @throws KbgError `credentials`
 */
export async function iamToken(region: string): Promise<string> {
  try {
    const { generateAuthToken } = await import('aws-msk-iam-sasl-signer-js')
    return (await generateAuthToken({ region })).token
  } catch (thrown) {
    throw new KbgError('credentials', 'No login at MSK can be signed.', {
      facts: { region, said: messageOf(thrown).slice(0, 500) },
      remedy: "AWS's default chain has to find credentials for this process: environment, profile or role.",
      cause: thrown,
    })
  }
}
