"""
What the gateway itself says in a turn, in the language of the person.

Who writes in a language that it does not speak, or too little to tell, is answered in English.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from services.agent.language import language_of


class Language(StrEnum):
    """The languages that are offered, by their codes (ISO 639-1)."""

    ENGLISH = "en"
    ITALIAN = "it"
    SPANISH = "es"
    FRENCH = "fr"
    GERMAN = "de"
    PORTUGUESE = "pt"


class Sentence(StrEnum):
    """What may have to be said."""

    APOLOGY = "apology"
    MESSAGE_TOO_LONG = "message_too_long"
    CONVERSATION_SPENT = "conversation_spent"
    DAY_SPENT = "day_spent"
    LOOPING = "looping"
    MEDIA_UNREADABLE = "media_unreadable"
    MEDIA_UNHEARD = "media_unheard"
    MEDIA_UNSEEN = "media_unseen"


_SENTENCES: Mapping[Sentence, Mapping[Language, str]] = {
    Sentence.APOLOGY: {
        Language.ENGLISH: "Sorry, I could not work out an answer just now. Please try again in a moment.",
        Language.ITALIAN: "Mi dispiace, in questo momento non riesco a rispondere. Riprova tra poco, per favore.",
        Language.SPANISH: "Lo siento, ahora mismo no he podido dar con una respuesta. Inténtalo de nuevo en un momento, por favor.",
        Language.FRENCH: "Désolé, je n'arrive pas à répondre pour l'instant. Veuillez réessayer dans un moment.",
        Language.GERMAN: "Entschuldigung, ich konnte gerade keine Antwort finden. Bitte versuchen Sie es gleich noch einmal.",
        Language.PORTUGUESE: "Desculpe, não consegui responder agora. Tente novamente daqui a pouco, por favor.",
    },
    Sentence.MESSAGE_TOO_LONG: {
        Language.ENGLISH: "That is more than I can work on at once. Please ask for less in one message.",
        Language.ITALIAN: "È più di quanto riesca a gestire in una volta. Prova a chiedere meno in un solo messaggio, per favore.",
        Language.SPANISH: "Es más de lo que puedo tratar de una vez. Por favor, pide menos en un solo mensaje.",
        Language.FRENCH: "C'est plus que je ne peux traiter en une fois. Veuillez demander moins en un seul message.",
        Language.GERMAN: "Das ist mehr, als ich auf einmal bearbeiten kann. Bitte fragen Sie weniger in einer Nachricht.",
        Language.PORTUGUESE: "É mais do que consigo tratar de uma vez. Por favor, peça menos em uma só mensagem.",
    },
    Sentence.CONVERSATION_SPENT: {
        Language.ENGLISH: "This conversation has become too long for me to go on with. Send /reset to begin a new one.",
        Language.ITALIAN: "Questa conversazione è diventata troppo lunga per continuare. Invia /reset per iniziarne una nuova.",
        Language.SPANISH: "Esta conversación es demasiado larga para continuar. Envía /reset para empezar una nueva.",
        Language.FRENCH: "Cette conversation est devenue trop longue pour continuer. Envoyez /reset pour en commencer une autre.",
        Language.GERMAN: "Dieses Gespräch ist zu lang geworden, um es fortzusetzen. Senden Sie /reset, um ein neues zu beginnen.",
        Language.PORTUGUESE: "Esta conversa ficou longa demais para continuar. Envie /reset para começar uma nova.",
    },
    Sentence.DAY_SPENT: {
        Language.ENGLISH: "I have reached my limit for today. Please write again tomorrow.",
        Language.ITALIAN: "Ho raggiunto il mio limite per oggi. Scrivi di nuovo domani, per favore.",
        Language.SPANISH: "He llegado a mi límite por hoy. Por favor, escribe de nuevo mañana.",
        Language.FRENCH: "J'ai atteint ma limite pour aujourd'hui. Veuillez réécrire demain.",
        Language.GERMAN: "Ich habe mein Limit für heute erreicht. Bitte schreiben Sie morgen wieder.",
        Language.PORTUGUESE: "Atingi o meu limite por hoje. Por favor, escreva novamente amanhã.",
    },
    Sentence.LOOPING: {
        Language.ENGLISH: "It seems that another automatic service is answering me, so I will be silent for a while. If you are a person, send /reset to go on.",
        Language.ITALIAN: "Sembra che mi stia rispondendo un altro servizio automatico, quindi per un po' non risponderò. Se sei una persona, invia /reset per continuare.",
        Language.SPANISH: "Parece que me responde otro servicio automático, así que guardaré silencio un rato. Si eres una persona, envía /reset para continuar.",
        Language.FRENCH: "Il semble qu'un autre service automatique me réponde ; je me tais donc un moment. Si vous êtes une personne, envoyez /reset pour continuer.",
        Language.GERMAN: "Es scheint, dass mir ein anderer automatischer Dienst antwortet, daher schweige ich eine Weile. Wenn Sie ein Mensch sind, senden Sie /reset, um fortzufahren.",
        Language.PORTUGUESE: "Parece que outro serviço automático está me respondendo, por isso ficarei em silêncio por um tempo. Se você é uma pessoa, envie /reset para continuar.",
    },
    Sentence.MEDIA_UNREADABLE: {
        Language.ENGLISH: "I could not open what you sent. Please send it in another format, or write to me what it says.",
        Language.ITALIAN: "Non riesco ad aprire quello che hai inviato. Invialo in un altro formato, oppure scrivimi che cosa contiene, per favore.",
        Language.SPANISH: "No he podido abrir lo que has enviado. Por favor, envíalo en otro formato o escríbeme lo que dice.",
        Language.FRENCH: "Je n'ai pas pu ouvrir ce que vous avez envoyé. Veuillez l'envoyer dans un autre format ou m'écrire ce qu'il contient.",
        Language.GERMAN: "Ich konnte nicht öffnen, was Sie geschickt haben. Bitte schicken Sie es in einem anderen Format oder schreiben Sie mir, was darin steht.",
        Language.PORTUGUESE: "Não consegui abrir o que você enviou. Por favor, envie em outro formato ou escreva para mim o que está nele.",
    },
    Sentence.MEDIA_UNHEARD: {
        Language.ENGLISH: "I cannot listen to voice messages. Please write to me instead.",
        Language.ITALIAN: "Non posso ascoltare i messaggi vocali. Scrivimi un messaggio di testo, per favore.",
        Language.SPANISH: "No puedo escuchar mensajes de voz. Por favor, escríbeme un mensaje de texto.",
        Language.FRENCH: "Je ne peux pas écouter les messages vocaux. Veuillez m'écrire un message à la place.",
        Language.GERMAN: "Ich kann leider keine Sprachnachrichten anhören. Bitte schreiben Sie mir stattdessen.",
        Language.PORTUGUESE: "Não consigo ouvir mensagens de voz. Por favor, escreva para mim uma mensagem de texto.",
    },
    Sentence.MEDIA_UNSEEN: {
        Language.ENGLISH: "I cannot look at pictures. Please write to me what you would like to know.",
        Language.ITALIAN: "Non posso guardare le immagini. Scrivimi che cosa vorresti sapere, per favore.",
        Language.SPANISH: "No puedo ver imágenes. Por favor, escríbeme lo que te gustaría saber.",
        Language.FRENCH: "Je ne peux pas regarder les images. Veuillez m'écrire ce que vous aimeriez savoir.",
        Language.GERMAN: "Ich kann mir leider keine Bilder ansehen. Bitte schreiben Sie mir, was Sie wissen möchten.",
        Language.PORTUGUESE: "Não consigo ver imagens. Por favor, escreva para mim o que você gostaria de saber.",
    },
}

APOLOGY = _SENTENCES[Sentence.APOLOGY][Language.ENGLISH]


async def sentence(which: Sentence, texts: Sequence[str] = ()) -> str:
    """Return a sentence in the language of what the person wrote, the newest last."""
    return _SENTENCES[which][await spoken(texts)]


async def spoken(texts: Sequence[str]) -> Language:
    """Return the language, of ours, that the person is spoken to in."""
    language = await language_of(texts, tuple(Language))
    return next((it for it in Language if it == language), Language.ENGLISH)
