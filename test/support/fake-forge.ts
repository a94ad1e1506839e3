/** A stand-in for the forge's API as `actions/github-script` hands it over: the comments of one pull request, in pages. */

export interface ForgeComment {
  readonly id: number
  body: string
  readonly user: { readonly type: 'Bot' | 'User' }
}

interface Target {
  readonly owner: string
  readonly repo: string
}

export class FakeForge {
  readonly comments: ForgeComment[]
  readonly calls: string[] = []

  constructor(comments: readonly ForgeComment[] = []) {
    this.comments = [...comments]
  }

  readonly context = { repo: { owner: 'somebody', repo: 'kafka' }, issue: { number: 7 } }

  readonly github = {
    paginate: async (
      list: (target: Target & { readonly issue_number: number; readonly page: number }) => Promise<readonly ForgeComment[]>,
      target: Target & { readonly issue_number: number },
    ) => {
      const all: ForgeComment[] = []
      for (let page = 1; ; page += 1) {
        const comments = await list({ ...target, page })
        if (comments.length === 0) return all
        all.push(...comments)
      }
    },
    rest: {
      issues: {
        listComments: async ({ page }: { readonly page: number }) => this.comments.slice((page - 1) * 30, page * 30),
        createComment: async ({ issue_number, body }: { readonly issue_number: number; readonly body: string }) => {
          this.calls.push(`create on ${issue_number}`)
          this.comments.push({ id: this.comments.length + 1, body, user: { type: 'Bot' } })
        },
        updateComment: async ({ comment_id, body }: { readonly comment_id: number; readonly body: string }) => {
          this.calls.push(`update ${comment_id}`)
          const found = this.comments.find(({ id }) => id === comment_id)
          if (found === undefined) throw new Error(`no comment ${comment_id}`)
          found.body = body
        },
      },
    },
  }
}
