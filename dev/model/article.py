"""A help article of about 6,000 characters: everything that Markdown answers are made of."""

ARTICLE = """\
# Moving your shop to the new platform

Welcome! This guide takes you through the **whole move**, step by step. Most shops need *about two hours*; nothing is switched off until you say so. 🚚

## Before you begin

Please have these at hand:

- your **shop number**, which you find under [Settings → Account](https://example.org/settings/account?tab=general&lang=en)
- the password of your *administrator*
- a list of people who should keep their access 👩‍💻👨‍💻
- a backup that is ~~a week~~ **less than a day** old

> A backup that was never restored is a wish, not a backup.
> Try it once before you rely on it.

## What it costs

| Plan | Products | Price a month | Support |
|---|---|---|---|
| Start | 100 | €9 | E-mail |
| Grow | 5,000 | €29 | Chat, 8–20 h |
| Scale | unlimited | €99 | Telephone, day and night |

You can change the plan at any time; we charge by the day. Families and clubs 👨‍👩‍👧‍👦 get the *Start* plan for nothing.

## The move itself

1. **Export** your catalogue. Choose the format `CSV, UTF-8`; the other one loses accents.
2. **Check** the file. It should have one line for each product, and a first line with the names of the columns.
3. **Import** it on the new platform, first into a test shop.
4. **Compare** ten products by hand: price, picture, description.
5. **Switch** the address of your shop over, in the evening 🌙 when few people buy.

If you like to do it from a terminal, this is the whole of it:

```bash
shop export --format csv --output catalogue.csv
shop check catalogue.csv            # tells what is missing, line by line
shop import catalogue.csv --into test
shop compare live test --sample 10  # *nothing* is changed by this
shop switch --to test --at 22:00
```

The command `shop compare` ends with `0 differences` when all is well. A line such as `price: 9,90 ≠ 9.90` is about the decimal sign and does no harm.

### What happens to orders

Orders that were placed before the switch stay where they are, and are finished there. Orders that are placed after it appear in the new shop. Nothing is lost in between: while the address changes, people see a short notice and their basket is kept. 🛒

### What happens to customers

Customers keep their accounts. They sign in with the same address and, once, set a new password; the reason is that passwords are stored in a form that *nobody*, we included, can read. Tell them beforehand, or some will think of fraud. A text that has served others well:

> Dear customer, our shop moves to a new home. When you sign in next time, please choose a new password. Everything else stays as it was.

## After the move

- Look at the **first five orders** closely: tax, shipping, receipt.
- Read the report under https://example.org/reports/migration_2026 and tick off what is done.
- Keep the old shop for thirty days; then close it.

Things that are often forgotten:

1. the redirect of old links, see [the guide on redirects](https://example.org/help/redirects)
2. the sitemap for search engines
3. the sender's address of your e-mails
   - the name that people see
   - the address that takes the answers
4. opening hours on the contact page ⏰

## When something goes wrong

First of all: **do not delete anything**. Each step can be taken back for thirty days. Open the page *Moves*, choose the last one and press *Undo*; it takes about as long as the move did. If prices look wrong, it is nearly always the decimal sign. If pictures are missing, the export was made without them: make it again with `--with-pictures`. If people cannot sign in, they have not set a new password yet.

Still stuck? Write to us and give the number of the move, which looks like `MV-2026-0042`. We answer within a working day, usually sooner. 🙂

## A checklist for the evening

- [x] Backup made, and opened once to see that it is one
- [x] Colleagues told, each of them, also the one who is on holiday
- [ ] Notice on the front page: *We are moving tonight, back at eleven*
- [ ] Somebody at hand who may decide, should a decision be needed
- [ ] Old prices written down for the three products that sell best
- [ ] Telephone charged, coffee made, dog walked 🐕

The last point is not a joke. Moves go wrong when people are tired, hungry or in a hurry; they hardly ever go wrong because of the machine. Begin at a time at which you would still be content if it took twice as long, and stop when you notice that you have begun to guess. Tomorrow is a day too.

## In short

You need a fresh backup, two hours and an evening. Export, check, import, compare, switch. Keep the old shop for a month. And have a coffee ☕ when it is done: you have earned it.

### Words used here

- **Catalogue**: all your products, with prices and pictures.
- **Test shop**: a copy that nobody but you can see.
- **Switch**: the moment from which people reach the new shop under the old address.
- **Redirect**: what leads somebody who follows an old link to the new place.

## Questions that people ask

**Can I move on a Sunday?** Yes. Support is thinner on Sundays, so the first move of your life is better made on a weekday.

**Do my links break?** Not if you set the redirects. Without them, people who follow an old link land on your front page, which is polite but not what they wanted.

**What about the invoices of last year?** They come along, unchanged and in their old order. The law in most countries asks you to keep them for ten years; the export leaves a copy with you, just in case. 📁

**May I watch while it happens?** You may: `shop compare live test --follow` prints each product as it arrives. Most people find that reassuring for a minute and dull for an hour.

**And if I change my mind?** Press *Undo* within thirty days. We will not ask why, though we would like to know.

Thank you for moving with us, and welcome to your new home! 🏡
"""
