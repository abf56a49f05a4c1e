"""Architectures that llama.cpp's conversion script knows, by the names that config.json uses."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from swarmctl.errors import SpecError

BUILD = "b11669"
"""llama.cpp's build whose script printed this list."""

SUPPORTED = frozenset((
    "AfmoeForCausalLM", "ApertusForCausalLM", "ArceeForCausalLM", "ArcticForCausalLM",
    "AudioFlamingo3ForConditionalGeneration", "BaiChuanForCausalLM", "BaichuanForCausalLM", "BailingMoeForCausalLM",
    "BailingMoeV2ForCausalLM", "BailingMoeV3ForCausalLM", "BailingMoeV3VLForConditionalGeneration",
    "BambaForCausalLM", "BertForMaskedLM", "BertForSequenceClassification", "BertModel", "BitNetForCausalLM",
    "BitnetForCausalLM", "BloomForCausalLM", "BloomModel", "CamembertModel", "ChameleonForCausalLM",
    "ChameleonForConditionalGeneration", "ChatGLMForConditionalGeneration", "ChatGLMModel", "ClefModel",
    "CodeShellForCausalLM", "CogVLMForCausalLM", "Cohere2ForCausalLM", "Cohere2MoeForCausalLM", "CohereForCausalLM",
    "D1Model", "D1OmniModel", "DFlash2DraftModel", "DFlashDraftModel", "DSparkDraftModel", "DSparkSpeculator",
    "DbrxForCausalLM", "DeciLMForCausalLM", "DeepseekForCausalLM", "DeepseekOCRForCausalLM",
    "DeepseekV2ForCausalLM", "DeepseekV32ForCausalLM", "DeepseekV3ForCausalLM", "DeepseekV4DSparkModel",
    "DeepseekV4ForCausalLM", "DistilBertForMaskedLM", "DistilBertForSequenceClassification", "DistilBertModel",
    "Dots1ForCausalLM", "Dots3NoteForCausalLM", "Dots3NoteForConditionalGeneration", "Dots3NoteTextForCausalLM",
    "DotsOCRForCausalLM", "DreamModel", "Eagle3DraftModel", "Eagle3LlamaForCausalLM", "Eagle3Speculator",
    "EmbeddingGemma2Model", "Ernie4_5ForCausalLM", "Ernie4_5_ForCausalLM", "Ernie4_5_MoeForCausalLM",
    "EuroBertModel", "Exaone4ForCausalLM", "Exaone4_5_ForConditionalGeneration", "ExaoneForCausalLM",
    "ExaoneMoEForCausalLM", "ExaoneMoeForCausalLM", "FalconForCausalLM", "FalconH1ForCausalLM",
    "FalconMambaForCausalLM", "GPT2LMHeadModel", "GPTBigCodeForCausalLM", "GPTNeoXForCausalLM",
    "GPTRefactForCausalLM", "Gemma2ForCausalLM", "Gemma3ForCausalLM", "Gemma3ForConditionalGeneration",
    "Gemma3TextModel", "Gemma3nForCausalLM", "Gemma3nForConditionalGeneration", "Gemma4AssistantForCausalLM",
    "Gemma4DSparkModel", "Gemma4ForCausalLM", "Gemma4ForConditionalGeneration", "Gemma4UnifiedAssistantForCausalLM",
    "Gemma4UnifiedForConditionalGeneration", "GemmaForCausalLM", "Glm4ForCausalLM", "Glm4MoeForCausalLM",
    "Glm4MoeLiteForCausalLM", "Glm4vForConditionalGeneration", "Glm4vMoeForConditionalGeneration",
    "Glm5NextForConditionalGeneration", "GlmForCausalLM", "GlmMoeDsaForCausalLM", "GlmOcrForConditionalGeneration",
    "GptOssForCausalLM", "GraniteForCausalLM", "GraniteMoeForCausalLM", "GraniteMoeHybridForCausalLM",
    "GraniteMoeSWAForCausalLM", "GraniteMoeSharedForCausalLM", "GraniteSWAForCausalLM",
    "GraniteSpeechForConditionalGeneration", "GraniteSpeechPlusForConditionalGeneration",
    "GraniteSwitchForCausalLM", "Grok1ForCausalLM", "GrokForCausalLM", "GroveMoeForCausalLM", "HYV3ForCausalLM",
    "HYV4ForCausalLM", "HrmTextForCausalLM", "HunYuanDenseV1ForCausalLM", "HunYuanMoEV1ForCausalLM",
    "HunYuanVLForConditionalGeneration", "IQuestCoderForCausalLM", "InternLM2ForCausalLM", "InternLM3ForCausalLM",
    "JAISLMHeadModel", "Jais2ForCausalLM", "JambaForCausalLM", "JanusForConditionalGeneration",
    "JinaBertForMaskedLM", "JinaBertModel", "JinaEmbeddingsV5Model", "K2HorizonForCausalLM", "KORMoForCausalLM",
    "KevModel", "KimiK25ForConditionalGeneration", "KimiK3ForConditionalGeneration", "KimiLinearForCausalLM",
    "KimiLinearModel", "KimiVLForConditionalGeneration", "LFM2ForCausalLM", "LLaDAMoEModel", "LLaDAMoEModelLM",
    "LLaDAModelLM", "LLaMAForCausalLM", "LagunaForCausalLM", "LevModel", "Lfm25AudioTokenizer",
    "Lfm2BidirectionalForMaskedLM", "Lfm2BidirectionalModel", "Lfm2DSparkDraftModel", "Lfm2ForCausalLM",
    "Lfm2Model", "Lfm2MoeForCausalLM", "LiLiCorrDraftModel", "LingDSparkModel", "Llama4ForCausalLM",
    "Llama4ForConditionalGeneration", "LlamaBidirectionalModel", "LlamaForCausalLM", "LlamaForCausalLMEagle3",
    "LlamaModel", "LlavaForConditionalGeneration", "LlavaStableLMEpochForCausalLM", "MPTForCausalLM",
    "MT5ForConditionalGeneration", "MaincoderForCausalLM", "Mamba2ForCausalLM", "MambaForCausalLM",
    "MambaLMHeadModel", "MapleForCausalLM", "MellumForCausalLM", "MiMoV2FlashForCausalLM", "MiMoV2ForCausalLM",
    "MiniCPM3ForCausalLM", "MiniCPMForCausalLM", "MiniCPMV4_6ForConditionalGeneration",
    "MiniCPMV4_7ForConditionalGeneration", "MiniMaxM1ForCausalLM", "MiniMaxM2ForCausalLM",
    "MiniMaxM3SparseForCausalLM", "MiniMaxM3SparseForConditionalGeneration", "MiniMaxText01ForCausalLM",
    "Ministral3ForCausalLM", "Mistral3ForConditionalGeneration", "MistralForCausalLM", "MixtralForCausalLM",
    "ModernBertDecisionModel", "ModernBertForMaskedLM", "ModernBertForSequenceClassification", "ModernBertModel",
    "MuseGlimmerAssistantModel", "MuseGlimmerForConditionalGeneration", "NanbeigeForCausalLM",
    "NemotronForCausalLM", "NemotronHForCausalLM", "NemotronHPuzzleForCausalLM", "NeoBERT",
    "NeoBERTForSequenceClassification", "NeoBERTLMHead", "NimbleModel", "NomicBertModel", "OLMoForCausalLM",
    "Olmo2ForCausalLM", "Olmo3ForCausalLM", "OlmoForCausalLM", "OlmoeForCausalLM", "OpenELMForCausalLM",
    "OpenJevModel", "OrionForCausalLM", "PLMForCausalLM", "PLaMo2ForCausalLM", "PLaMo3ForCausalLM",
    "PaddleOCRVLForConditionalGeneration", "PanguEmbeddedForCausalLM", "Phi3ForCausalLM", "Phi4ForCausalLMV",
    "PhiForCausalLM", "PhiMoEForCausalLM", "Plamo2ForCausalLM", "Plamo3ForCausalLM", "PlamoForCausalLM",
    "PocketTTSModel", "PplxDeciderModel", "QWenLMHeadModel", "Qwen2AudioForConditionalGeneration",
    "Qwen2ForCausalLM", "Qwen2Model", "Qwen2MoeForCausalLM", "Qwen2VLForConditionalGeneration", "Qwen2VLModel",
    "Qwen2_5OmniModel", "Qwen2_5_VLForConditionalGeneration", "Qwen3ASRForConditionalGeneration",
    "Qwen3DSparkModel", "Qwen3ForCausalLM", "Qwen3Model", "Qwen3MoeForCausalLM", "Qwen3NextForCausalLM",
    "Qwen3OmniMoeForConditionalGeneration", "Qwen3TTSForConditionalGeneration", "Qwen3VLForConditionalGeneration",
    "Qwen3VLMoeForConditionalGeneration", "Qwen3_5ForCausalLM", "Qwen3_5ForConditionalGeneration",
    "Qwen3_5MoeForCausalLM", "Qwen3_5MoeForConditionalGeneration", "Qwen3_5TextModel", "Qwen4ExpForCausalLM",
    "Qwen4ExpForConditionalGeneration", "RND1", "RWForCausalLM", "RWKV6Qwen2ForCausalLM", "RWKV7ForCausalLM",
    "RobertaForSequenceClassification", "RobertaModel", "RuGPT3XLForCausalLM", "Rwkv6ForCausalLM",
    "Rwkv7ForCausalLM", "RwkvHybridForCausalLM", "Sarashina2VisionForCausalLM", "SarvamMoEForCausalLM",
    "SeedOssForCausalLM", "SmallThinkerForCausalLM", "SmolLM3ForCausalLM", "SolarOpenForCausalLM",
    "Spark2_5ForCausalLM", "StableLMEpochForCausalLM", "StableLmForCausalLM", "Starcoder2ForCausalLM",
    "Step3p5ForCausalLM", "Step3p7ForConditionalGeneration", "StepVLForConditionalGeneration", "T5EncoderModel",
    "T5ForConditionalGeneration", "T5WithLMHeadModel", "TalkieForCausalLM", "UMT5ForConditionalGeneration",
    "UMT5Model", "UltravoxModel", "UnlimitedOCRForCausalLM", "VLlama3ForCausalLM", "VllmD3Model",
    "VllmDecision2Model", "VoxtralForConditionalGeneration", "WavTokenizerDec",
    "XLMRobertaForSequenceClassification", "XLMRobertaModel", "XverseForCausalLM", "YoutuForCausalLM",
    "YoutuVLForConditionalGeneration", "modeling_grove_moe.GroveMoeForCausalLM",
    "modeling_sarvam_moe.SarvamMoEForCausalLM",
))  # fmt: skip


def architecture(config: Mapping[str, Any]) -> str:
    """The class that the script would choose: the first under `architectures` of config.json.

    Raises SpecError that lists what is supported, so that nothing is downloaded in vain.
    """
    listed = config.get("architectures")
    names = [name for name in listed if isinstance(name, str)] if isinstance(listed, list | tuple) else []
    if not names:
        raise SpecError("config.json names nothing under architectures: it cannot be told what model this is")
    if names[0] in SUPPORTED:
        return names[0]
    near = get_close_matches(names[0], SUPPORTED, n=3)
    guess = f"; did it mean {' or '.join(near)}?" if near else ""
    raise SpecError(
        f"llama.cpp {BUILD} cannot convert {names[0][:80]}{guess}",
        detail="it converts:\n" + lines(),
        hint="a ready GGUF of this model, or a newer llama.cpp",
    )


def lines(width: int = 110) -> str:
    """All of them for a terminal."""
    rows, row = [], ""
    for name in sorted(SUPPORTED):
        if row and len(row) + len(name) + 2 > width:
            rows.append(row)
            row = ""
        row = f"{row}, {name}" if row else name
    return "\n".join([*rows, row])
